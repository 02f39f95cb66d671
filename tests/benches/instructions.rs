//! One piece of work, so many times, and nothing else: what `benches/instructions` counts the instructions
//! of.

#[path = "scenario/delta.rs"]
mod delta;
#[path = "scenario/events.rs"]
mod events;
#[path = "scenario/list.rs"]
mod list;
mod scenario;

fn main() {
    let all = || list::ALL.iter().chain(events::ALL);
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => println!("run tests/benches/instructions to count instructions"),
        ["--list"] => all().for_each(|scenario| println!("{}", scenario.name)),
        [name, times] => {
            let scenario = all().find(|scenario| scenario.name == *name);
            let (Some(scenario), Ok(times)) = (scenario, times.parse()) else {
                panic!("expected a name from --list and a number, got {args:?}");
            };
            (scenario.run)(times);
        }
        // Options and filters that `cargo bench` passes to every target.
        _ => {}
    }
}

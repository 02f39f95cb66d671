//! A client with its own I/O that asks the policy where each attempt goes.
//!
//! Its network is a script and its clock a number: for the first 90 seconds something in between refuses
//! WebSocket, and SSE always works. It prints each attempt and the mode after it.

use failback::{
    Blame, Config, Decision, Failure, GiveUp, Outcome, Policy, Stage, Timestamp, Transport, Verdict,
};

/// What a client of yours does here: connect, send the request, read the events.
fn attempt_over(transport: Transport, now: Timestamp) -> Result<&'static str, Failure> {
    match transport {
        Transport::WebSocket if now < Timestamp::from_millis(90_000) => {
            Err(Failure::new(Blame::Transport, Stage::Connecting))
        }
        _ => Ok("hello"),
    }
}

fn turn(policy: &mut Policy, now: &mut Timestamp) -> Result<&'static str, GiveUp> {
    let mut call = policy.open_call(*now);
    loop {
        let attempt = match policy.begin_attempt(call, *now) {
            Decision::Start(attempt) => attempt,
            Decision::Wait(waiting) => {
                // A real client sleeps.
                *now = waiting.ready_at();
                call = waiting;
                continue;
            }
        };
        let (transport, reason) = (attempt.transport(), attempt.reason());
        let result = attempt_over(transport, *now);
        let outcome = match result {
            Ok(_) => {
                policy.handle_progress(&attempt, *now);
                Outcome::Completed
            }
            Err(failure) => Outcome::Failed(failure),
        };
        let verdict = policy.handle_outcome(attempt, outcome, *now);
        let (at, ended) =
            (now.as_nanos() / 1_000_000_000, if result.is_ok() { "completed" } else { "failed" });
        println!("{at:>4} s  {transport} ({reason}) {ended}; now {}", policy.mode());
        match verdict {
            Verdict::Done => return Ok(result.unwrap_or_default()),
            Verdict::Retry(again) => call = again,
            Verdict::GiveUp(why) => return Err(why),
        }
    }
}

fn main() -> Result<(), GiveUp> {
    // The seed is fixed so that every run decides alike.
    let mut policy = Policy::new(Config::new(), 7, Timestamp::ZERO);
    for at in [0, 30, 300, 310] {
        let mut now = Timestamp::from_millis(at * 1000);
        let text = turn(&mut policy, &mut now)?;
        println!("{:>4} s  the answer: {text}", now.as_nanos() / 1_000_000_000);
    }
    Ok(())
}

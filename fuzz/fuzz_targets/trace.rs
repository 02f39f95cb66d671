//! Any bytes as a vector or a trace: an error, or one that runs until a step makes no sense, twice alike.
#![no_main]

use failback_vector::Vector;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    let vector = match Vector::parse(text) {
        Ok(vector) => vector,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let run = || {
        let mut got = Vec::new();
        let ran = vector.run(|report| got.push(report.got));
        (got, ran.map_err(|error| error.to_string()))
    };
    let (got, ran) = run();
    assert_eq!((&got, &ran), (&run().0, &run().1), "equal inputs give equal outputs");
    assert!(got.len() == vector.len() || ran.is_err());
    if let Some(line) = vector.cut_off() {
        // Its steps are those of what is left without the line.
        let whole: String = text.split_inclusive('\n').take(line - 1).collect();
        let whole = Vector::parse(&whole).expect("the lines before");
        assert_eq!((whole.len(), whole.cut_off()), (vector.len(), None));
    }
});

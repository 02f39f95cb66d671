use super::der::Certificate;

/// Any bytes, and every beginning of a certificate, are read without a panic.
#[test]
fn what_is_no_certificate_is_none() {
    let mut seed = 1_u32;
    for length in 0..600_usize {
        let bytes: Vec<u8> = (0..length)
            .map(|at| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if at % 3 == 0 { 0x30 } else { (seed >> 24) as u8 }
            })
            .collect();
        let _ = Certificate::read(&bytes);
    }
    assert_eq!(Certificate::read(&[]), None);
    assert_eq!(Certificate::read(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
}

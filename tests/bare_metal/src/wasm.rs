//! The script in WebAssembly: imports nothing, exports what `node.mjs` asks for.
#![no_std]
#![no_main]

use failback_bare_metal::runner;

static SCRIPT: &[u8] = include_bytes!(env!("FAILBACK_SCRIPT"));

/// How many runs there are.
#[unsafe(no_mangle)]
pub extern "C" fn runs() -> u32 {
    runner::digests(SCRIPT).count() as u32
}

/// The digest of one run.
#[unsafe(no_mangle)]
pub extern "C" fn digest(run: u32) -> u64 {
    runner::digests(SCRIPT).nth(run as usize).unwrap_or(0)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}

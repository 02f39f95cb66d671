//! The script on a Cortex-M, which prints sizes and digests by semihosting, and nothing else of the machine.
//!
//! The only unsafe code of the check: a vector table, a call of the debugger, and switching the FPU on.
#![no_std]
#![no_main]

use core::arch::asm;
use core::fmt::{self, Write};

use failback_bare_metal::runner;

static SCRIPT: &[u8] = include_bytes!(env!("FAILBACK_SCRIPT"));

/// What the machine reads when it starts, after the stack pointer, which the linker script puts in front.
#[unsafe(link_section = ".vectors")]
#[used]
static VECTORS: [unsafe extern "C" fn() -> !; 3] = [reset, fault, fault];

/// No statics are to be initialised: the linker script makes sure that there are none.
#[unsafe(no_mangle)]
unsafe extern "C" fn reset() -> ! {
    #[cfg(target_abi = "eabihf")]
    // SAFETY: Coprocessor Access Control, which machines with this ABI have: full access to the FPU. The
    // barriers make it hold from the next instruction on.
    unsafe {
        asm!(
            "str {all}, [{cpacr}]",
            "dsb",
            "isb",
            all = in(reg) 0xf << 20,
            cpacr = in(reg) 0xe000_ed88_u32,
        );
    }
    main()
}

unsafe extern "C" fn fault() -> ! {
    exit(false)
}

#[inline(never)]
fn main() -> ! {
    let done = print();
    exit(done.is_ok())
}

fn print() -> fmt::Result {
    let mut host = Host;
    for (name, bytes) in runner::sizes() {
        writeln!(host, "size {name} {bytes}")?;
    }
    for digest in runner::digests(SCRIPT) {
        writeln!(host, "{digest:016x}")?;
    }
    Ok(())
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(false)
}

/// The standard output of whoever runs this machine.
struct Host;

impl Write for Host {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        const SYS_WRITEC: u32 = 0x03;
        for byte in text.bytes() {
            semihost(SYS_WRITEC, (&raw const byte).addr() as u32);
        }
        Ok(())
    }
}

fn exit(success: bool) -> ! {
    const SYS_EXIT: u32 = 0x18;
    const APPLICATION_EXIT: u32 = 0x2_0026;
    const INTERNAL_ERROR: u32 = 0x2_0024;
    loop {
        semihost(SYS_EXIT, if success { APPLICATION_EXIT } else { INTERNAL_ERROR });
    }
}

fn semihost(operation: u32, parameter: u32) {
    // SAFETY: a breakpoint that the debugger takes as a call. The operations used here read at most the byte
    // at `parameter`.
    unsafe {
        asm!("bkpt #0xab", inout("r0") operation => _, in("r1") parameter, options(nostack));
    }
}

//! andonctl: arguments and wiring.

/// Freed memory is wiped, so that copies of secrets inside libraries do not outlive their use.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> = zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> std::process::ExitCode {
    andon::cli::main()
}

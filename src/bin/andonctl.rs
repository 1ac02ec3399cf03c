//! andonctl: arguments and wiring.

fn main() -> std::process::ExitCode {
    andon::cli::main()
}

//! andon-server: arguments and wiring.

fn main() -> std::process::ExitCode {
    andon::server::commands::main()
}

//! The door: arguments in, exit code out.

fn main() -> std::process::ExitCode {
    teleinfo_reader::cli::run()
}

//! The door: reads the command line, calls the library, turns errors into one line and an exit code.

use clap::Parser;
use std::process::ExitCode;
use teleinfo_simulator::cli::Cli;
use teleinfo_simulator::commands::run;
use teleinfo_simulator::failure::Code;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            // --help and --version come this way too.
            return if error.use_stderr() { ExitCode::from(Code::Usage as u8) } else { ExitCode::SUCCESS };
        }
    };
    match run(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("teleinfo-simulator: {failure}");
            failure.exit_code()
        }
    }
}

//! The door: arguments in, exit code out.

use std::{io::Write, process::ExitCode};

use log::LevelFilter;
use teleinfo_reader::{
    cli::{self, Command},
    exit::Failure,
    logging, run,
    settings::Settings,
};

fn main() -> ExitCode {
    logging::start(LevelFilter::Info);
    match obey() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log::error!("{failure}");
            failure.code.into()
        }
    }
}

fn obey() -> Result<(), Failure> {
    match cli::parse(lexopt::Parser::from_env())? {
        Command::Run(options) => {
            let settings = Settings::load(&options)?;
            logging::start(settings.level);
            run::run(&settings)
        }
        Command::CheckConfig(options) => {
            Settings::load(&options)?;
            print("the configuration is right\n");
            Ok(())
        }
        Command::Help => {
            print(cli::HELP);
            Ok(())
        }
        Command::Version => {
            print(concat!("teleinfo-reader ", env!("CARGO_PKG_VERSION"), "\n"));
            Ok(())
        }
    }
}

/// To standard output; whoever has closed it did not want to know.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

//! The door: arguments in, exit code out.

use std::{io::Write, process::ExitCode};

use log::LevelFilter;
use teleinfo_reader::{
    cli::{self, Command},
    config::Settings,
    daemon::{exit::Failure, logging},
    doctor, monitor, run,
};

fn main() -> ExitCode {
    logging::start(LevelFilter::Info);
    match obey() {
        Ok(code) => code,
        Err(failure) => {
            log::error!("{failure}");
            failure.code.into()
        }
    }
}

fn obey() -> Result<ExitCode, Failure> {
    match cli::parse(lexopt::Parser::from_env())? {
        Command::Run(options) => {
            let settings = Settings::load(&options)?;
            logging::start(settings.level);
            run::run(&settings)?;
        }
        Command::CheckConfig(options) => {
            Settings::load(&options)?;
            print("the configuration is right\n");
        }
        Command::Doctor(options) => {
            let complaint = doctor::run(&Settings::load(&options)?);
            return Ok(complaint.map_or(ExitCode::SUCCESS, Into::into));
        }
        Command::Monitor(options, language) => monitor::run(&Settings::load(&options)?, language)?,
        Command::Help => print(cli::HELP),
        Command::Version => print(concat!("teleinfo-reader ", env!("CARGO_PKG_VERSION"), "\n")),
    }
    Ok(ExitCode::SUCCESS)
}

/// To standard output; whoever has closed it did not want to know.
fn print(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

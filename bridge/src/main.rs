//! The door: command line and configuration in, exit code out. See `docs/code-structure.md`.

use std::process::ExitCode;

use clap::Parser;
use teleinfo_bridge::{
    config::{file::Config, settings::Settings},
    daemon::{
        cli::{Cli, Command},
        exit::{Failure, Reason},
        logging,
    },
    doctor, run,
};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(problem) => {
            // Help and version are no mistakes.
            let code = if problem.use_stderr() { Reason::Usage.into() } else { ExitCode::SUCCESS };
            let _ = problem.print();
            return code;
        }
    };
    match open(&cli) {
        Ok(code) => code,
        Err(failure) => {
            tracing::error!("{failure}");
            failure.reason().into()
        }
    }
}

fn open(cli: &Cli) -> Result<ExitCode, Failure> {
    let defaults = Config::default().log;
    let config = Config::read(cli.config.as_deref()).inspect_err(|_| logging::start(defaults.level, defaults.libraries))?;
    logging::start(config.log.level, config.log.libraries);
    let settings = Settings::new(config, cli)?;
    if cli.check_config {
        println!("the configuration is right");
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // The MQTT plugin needs a second one.
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Reason::Internal, format!("cannot start threads: {error}")))?;
    let result = runtime.block_on(async {
        match cli.command {
            Some(Command::Doctor) => doctor::run(&settings).await.map(|complaint| complaint.map_or(ExitCode::SUCCESS, Into::into)),
            None => run::run(settings).await.map(|()| ExitCode::SUCCESS),
        }
    });
    // The threads of Zenoh and of its plugin end with the process; what had to be said has been.
    std::mem::forget(runtime);
    result
}

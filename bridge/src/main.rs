//! The door: command line and configuration in, exit code out. See `docs/code-structure.md`.

use std::process;

use clap::Parser;
use teleinfo_bridge::{
    adopt,
    config::{
        environment,
        file::Config,
        settings::{Mqtt, Settings},
    },
    daemon::{
        cli::{Cli, Command},
        exit::{ExitCode, Failure},
        logging,
    },
    doctor, forget, import, run, trust,
    words::{journal, language::Language},
    zenoh::threads,
};

fn main() -> process::ExitCode {
    let code = match Cli::try_parse() {
        Ok(cli) => open(&cli).unwrap_or_else(|failure| {
            tracing::error!("{failure}");
            failure.code()
        }),
        Err(problem) => {
            let _ = problem.print();
            // Help and version are no mistakes.
            if problem.use_stderr() { ExitCode::Usage } else { ExitCode::Success }
        }
    };
    code.into()
}

/// Of a journal or of a person at a terminal, where nobody has chosen one.
fn usual() -> Language {
    Language::usual().0
}

fn open(cli: &Cli) -> Result<ExitCode, Failure> {
    let defaults = Config::default().log;
    let config = environment::load(cli.config.as_deref(), std::env::vars_os())
        .inspect_err(|_| logging::start(defaults.level, defaults.libraries))?;
    logging::start(config.log.level, config.log.libraries);
    journal::speak(cli.language.or(config.language).unwrap_or_else(usual));
    let settings = Settings::new(config, cli)?;
    if cli.check_config {
        print!("{}", settings.describe_origins());
        println!("the configuration is right");
        return Ok(ExitCode::Success);
    }
    if let (None, Some(group), Mqtt::External(_)) = (&cli.command, &settings.group, &settings.mqtt) {
        threads::spread(group.connect.len());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // The MQTT plugin needs a second one.
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(ExitCode::Internal, format!("cannot start threads: {error}")))?;
    let result = runtime.block_on(async {
        match &cli.command {
            Some(Command::Accept { meter: Some(meter), words, .. }) => trust::accept(*meter, *words).map(|()| ExitCode::Success),
            Some(Command::Accept { meter: None, .. }) => trust::list().map(|()| ExitCode::Success),
            Some(Command::Code) => trust::code().map(|()| ExitCode::Success),
            Some(Command::Refuse { meter, words }) => trust::refuse(*meter, *words).map(|()| ExitCode::Success),
            Some(Command::Doctor) => {
                let language = cli.language.unwrap_or_else(usual);
                doctor::run(&settings, language).await.map(|complaint| complaint.unwrap_or(ExitCode::Success))
            }
            Some(Command::Adopt(wanted)) => {
                let language = cli.language.unwrap_or_else(usual);
                adopt::run(&settings, wanted, language).await.map(|()| ExitCode::Success)
            }
            Some(Command::Import(wanted)) => {
                let language = cli.language.unwrap_or_else(usual);
                import::run(&settings, wanted, language).await.map(|()| ExitCode::Success)
            }
            Some(Command::Forget { what, is_stopped }) => forget::run(&settings, *what, *is_stopped).await.map(|()| ExitCode::Success),
            None => run::run(settings).await.map(|()| ExitCode::Success),
        }
    });
    // The threads of Zenoh and of its plugin end with the process: everything was sent before.
    std::mem::forget(runtime);
    result
}

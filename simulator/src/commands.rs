//! The commands, put together from their parts.

use crate::capture::decode::decode;
use crate::capture::truth::Truth;
use crate::chain::demo::{self, DemoOptions};
use crate::cli::{Command, DecodeArgs, DemoArgs, LineArgs, MeterArgs, ParityArg, ReplayArgs};
use crate::failure::{Code, OrFail, Outcome};
use crate::fault;
use crate::line::player::{Sent, play};
use crate::line::pty::Terminal;
use crate::line::replay::Replay;
use crate::line::source::{AtMost, Burst, EvenParity, Source, StripParity};
use crate::line::stop::Stop;
use crate::meter::Meter;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;
use teleinfo_proto::tic::Parity;

/// Does what the command line says.
///
/// # Errors
/// Whatever makes it give up.
pub fn run(command: Command) -> Outcome {
    match command {
        Command::Replay(args) => replay(&args),
        Command::Meter(args) => meter(&args),
        Command::Decode(args) => decode_file(&args),
        Command::Demo(args) => run_demo(&args),
    }
}

fn replay(args: &ReplayArgs) -> Outcome {
    let source = Replay::open(&args.files, args.again)?;
    play_on(&args.line, Box::new(source), args.seed, &mut |_, _| Ok(()))
}

fn meter(args: &MeterArgs) -> Outcome {
    let mut truth = args.truth.as_deref().map(Truth::create).transpose()?;
    let options = args.meter.options();
    let seed = options.seed;
    let source = AtMost { source: Meter::new(options), left: args.frames };
    play_on(&args.line, Box::new(source), seed, &mut |burst, sent| match &mut truth {
        Some(truth) => truth.write(burst, sent),
        None => Ok(()),
    })
}

fn play_on(args: &LineArgs, source: Box<dyn Source>, seed: u64, observe: &mut dyn FnMut(&Burst, Sent) -> Outcome) -> Outcome {
    let stop = Stop::on_signals()?;
    let terminal = Terminal::create(&args.pty)?;
    let mut source = dress(source, args, seed);
    play(&mut source, &terminal, args.speed, &stop, observe)
}

/// Faults act on the line, where every byte has its parity; a receiver may take it off behind them.
fn dress(source: Box<dyn Source>, args: &LineArgs, seed: u64) -> Box<dyn Source> {
    match args.parity {
        ParityArg::None if args.faults.is_empty() => source,
        ParityArg::Even => fault::wrap(Box::new(EvenParity(source)), &args.faults, seed),
        ParityArg::None => Box::new(StripParity(fault::wrap(Box::new(EvenParity(source)), &args.faults, seed))),
    }
}

fn decode_file(args: &DecodeArgs) -> Outcome {
    let mut input: Box<dyn Read> = if args.file == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(&args.file).or_fail(Code::NoInput, || format!("cannot read {}", args.file.display()))?;
        Box::new(file)
    };
    let parity = args.parity.map(|parity| match parity {
        ParityArg::Even => Parity::Even,
        ParityArg::None => Parity::Stripped,
    });
    let summary = decode(&mut input, &mut io::stdout().lock(), parity)?;
    eprintln!("{summary}");
    Ok(())
}

fn run_demo(args: &DemoArgs) -> Outcome {
    demo::run(DemoOptions { meter: args.meter.options(), speed: args.speed, time: args.seconds.map(Duration::from_secs) })
}

//! The commands, put together from their parts.

use crate::capture::decode::decode;
use crate::capture::truth::Truth;
use crate::chain::demo::{self, DemoOptions};
use crate::chain::{captures, latency};
use crate::cli::{
    ChainTableArgs, Command, CorruptArgs, DecodeArgs, DemoArgs, FleetArgs, LatencyArgs, LineArgs, MeterArgs, ParityArg, ReplayArgs,
};
use crate::corrupt::{Table, experiment};
use crate::failure::{Failure, Kind, OrFail, Outcome};
use crate::fault;
use crate::fleet::{self, FleetOptions};
use crate::line::player::{Sent, play};
use crate::line::pty::Terminal;
use crate::line::replay::Replay;
use crate::line::source::{Burst, EvenParity, Source, StripParity};
use crate::line::stop::Stop;
use crate::meter::Meter;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;
use teleinfo_proto::tic::{Mode, Parity};

/// Does what the command line says.
///
/// # Errors
/// Whatever makes it give up.
pub fn run(command: Command) -> Outcome {
    match command {
        Command::Replay(args) => replay(&args),
        Command::Meter(args) => meter(&args),
        Command::Decode(args) => decode_file(&args),
        Command::Fleet(args) => run_fleet(&args),
        Command::Demo(args) => run_demo(&args),
        Command::Latency(args) => measure(&args),
        Command::ChainTable(args) => chain_table(&args),
        Command::Corrupt(args) => corrupt(&args),
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
    let source = AtMost { inner: Meter::new(options), left: args.frames };
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
        let file = File::open(&args.file).or_fail(Kind::NoInput, || format!("cannot read {}", args.file.display()))?;
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

fn run_fleet(args: &FleetArgs) -> Outcome {
    let options = FleetOptions {
        connect: args.connect.clone(),
        meters: args.meters as usize,
        rate: args.rate,
        time: Duration::from_secs(args.seconds),
        count: args.count,
        seed: args.seed,
    };
    let stop = Stop::on_signals()?;
    let words = |tally: fleet::Tally| {
        format!("{} of {} connected, {} samples sent, {} not sent", tally.connected, args.meters, tally.published, tally.unsent)
    };
    let end = fleet::run(&options, &stop, &mut |tally| eprintln!("{}", words(tally)))?;
    println!("{}", words(end));
    if end.published == 0 {
        return Err(Failure::new(Kind::Unavailable, "no sample was sent: is there a bridge or a Zenoh router at that address?"));
    }
    Ok(())
}

fn run_demo(args: &DemoArgs) -> Outcome {
    demo::run(DemoOptions { meter: args.meter.options(), speed: args.speed, time: args.seconds.map(Duration::from_secs) })
}

fn measure(args: &LatencyArgs) -> Outcome {
    let stop = Stop::on_signals()?;
    println!("last byte on the serial line to subscriber, through teleinfo-reader, teleinfo-bridge and mosquitto, speed {}", args.speed);
    for mode in args.mode.map_or(vec![Mode::Historic, Mode::Standard], |mode| vec![mode]) {
        println!("{}", latency::measure(mode, args.frames, args.speed, &stop)?);
    }
    Ok(())
}

fn chain_table(args: &ChainTableArgs) -> Outcome {
    let stop = Stop::on_signals()?;
    println!("{}", captures::head());
    let lines = captures::run(&args.directory, args.checker.as_deref(), args.speed, &stop, &mut |line| println!("{line}"))?;
    let wrong = lines.iter().filter(|line| !line.is_right()).count();
    println!("\n{} captures, {wrong} wrong", lines.len());
    if wrong > 0 {
        return Err(Failure::new(Kind::Data, "datasets were lost or invented"));
    }
    Ok(())
}

fn corrupt(args: &CorruptArgs) -> Outcome {
    print!("{}", Table(&experiment(args.frames, args.seed)));
    Ok(())
}

/// A source that ends after so many bursts.
struct AtMost<S> {
    inner: S,
    left: Option<u64>,
}

impl<S: Source> Source for AtMost<S> {
    fn next_burst(&mut self) -> Option<Burst> {
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1)?;
        }
        self.inner.next_burst()
    }
}

//! The experiments, put together from their parts, and what they print.

use crate::captures;
use crate::cli::{ChainTableArgs, Command, CorruptArgs, FailoverArgs, FleetArgs, LatencyArgs, RouterArgs, SteerArgs};
use crate::corrupt::{experiment, table::Table};
use crate::fleet::readers::{self, FleetCounts, FleetOptions};
use crate::fleet::routers::{self, RouterOptions};
use crate::fleet::{self, failover, measure};
use crate::latency;
use crate::steer;
use std::path::Path;
use std::time::Duration;
use teleinfo_proto::tic::Mode;
use teleinfo_simulator::failure::{Code, Failure, OrFail, Outcome};
use teleinfo_simulator::line::stop::Stop;

/// Does what the command line says.
///
/// # Errors
/// Whatever makes it give up.
pub fn run(command: Command) -> Outcome {
    match command {
        Command::Fleet(args) => run_fleet(&args),
        Command::Failover(args) => run_failover(&args),
        Command::Router(args) => router(args),
        Command::Latency(args) => latency(&args),
        Command::ChainTable(args) => chain_table(&args),
        Command::Corrupt(args) => corrupt(&args),
        Command::Steer(args) => steer(&args),
    }
}

fn run_fleet(args: &FleetArgs) -> Outcome {
    let stop = Stop::on_signals()?;
    let options = |meters: u32, rate: f64| FleetOptions {
        connect: args.connect.clone(),
        meters: meters as usize,
        rate,
        time: Duration::from_secs(args.seconds),
        history: args.history,
        count: args.count,
        seed: args.seed,
        broker_bytes: args.broker_bytes,
        bridge_share: args.bridge_share,
        routers: args.routers.into(),
        joined: args.joined,
        bridges: args.bridges.into(),
    };
    let rows: Vec<FleetOptions> = args.meters.iter().flat_map(|meters| args.rate.iter().map(|rate| options(*meters, *rate))).collect();
    match &rows[..] {
        rows if args.connect.is_empty() => fleet_table(rows, args.plot.as_deref(), &stop),
        [options] => fleet_elsewhere(options, &stop),
        _ => Err(Failure::new(Code::Usage, "with --connect, --meters and --rate are one number each")),
    }
}

fn fleet_table(rows: &[FleetOptions], plot: Option<&Path>, stop: &Stop) -> Outcome {
    println!("a fleet of readers at one teleinfo-bridge of its own and mosquitto, published on every frame, with page and memory\n");
    println!("{}", measure::HEADS);
    let mut points = Vec::new();
    for options in rows {
        let row = measure::measure(options.clone(), stop)?;
        println!("{row}");
        points.push(row.point());
    }
    plot.map_or(Ok(()), |path| write(path, &fleet::plot::draw(&points)))
}

fn write(path: &Path, text: &str) -> Outcome {
    std::fs::write(path, text).or_fail(Code::CannotCreate, || format!("cannot write {}", path.display()))
}

/// Samples that each reader of a failover keeps: a real one has hours of them, and no fault lasts for longer than this.
const FAILOVER_HISTORY: usize = 100;

fn run_failover(args: &FailoverArgs) -> Outcome {
    let options = FleetOptions {
        connect: Vec::new(),
        meters: args.meters as usize,
        rate: args.rate,
        time: Duration::ZERO,
        history: FAILOVER_HISTORY,
        count: None,
        seed: 1,
        broker_bytes: None,
        bridge_share: None,
        routers: args.routers.into(),
        joined: false,
        bridges: args.bridges.into(),
    };
    let FailoverArgs { meters, rate, bridges, routers, .. } = args;
    println!("{meters} meters with {rate} samples a second at {bridges} bridges of a group, by {routers} routers\n\n{}", failover::HEADS);
    let seen = failover::run(&options, Duration::from_secs(args.seconds), &Stop::on_signals()?)?;
    seen.rows().iter().for_each(|row| println!("{row}"));
    args.plot.as_deref().map_or(Ok(()), |path| write(path, &seen.plot()))
}

fn fleet_elsewhere(options: &FleetOptions, stop: &Stop) -> Outcome {
    let words = |tally: FleetCounts| {
        format!("{} of {} connected, {} samples sent, {} not sent", tally.connected, options.meters, tally.published, tally.unsent)
    };
    let end = readers::run(options, stop, &mut |tally| {
        eprintln!("{}", words(tally));
        true
    })?;
    println!("{}", words(end));
    if end.published == 0 {
        return Err(Failure::new(Code::Unavailable, "no sample was sent: is there a bridge or a Zenoh router at that address?"));
    }
    Ok(())
}

fn router(args: RouterArgs) -> Outcome {
    routers::run(&RouterOptions { listen: args.listen, connect: args.connect, readers: args.readers as usize }, &Stop::on_signals()?)
}

fn latency(args: &LatencyArgs) -> Outcome {
    let stop = Stop::on_signals()?;
    println!("last byte on the serial line to subscriber, through teleinfo-reader, teleinfo-bridge and mosquitto, speed {}", args.speed);
    println!("beside a bare loop that wakes for each byte, cuts frames and publishes them\n\n{}", latency::HEADS);
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
        return Err(Failure::new(Code::Data, "datasets were lost or invented"));
    }
    Ok(())
}

fn corrupt(args: &CorruptArgs) -> Outcome {
    print!("{}", Table(&experiment(args.frames, args.seed)));
    Ok(())
}

fn steer(args: &SteerArgs) -> Outcome {
    let stop = Stop::on_signals()?;
    println!("a battery that keeps the grid at 0 W, at line speed, through teleinfo-reader, teleinfo-bridge and mosquitto");
    println!("beside the same battery behind a perfect value each 10 s and each 30 s, at the gain that suits it best\n\n{}", steer::HEAD);
    for row in steer::run(args.seconds as usize, args.learning as usize, args.plot.as_deref(), &stop)? {
        println!("{row}");
    }
    Ok(())
}

"""The one bench under all tests of the whole system: it runs the programs, disturbs them, and keeps the account.

Read in this order:

    process   one program that runs, and ends when it is told to
    programs  reader, bridge and simulated meter: how each is started, and with which configuration file
    broker    Mosquitto, and who listens to it
    line      the serial cable between meter and reader, which can be unplugged
    network   namespaces, the network cable between two of them, and its cuts
    clock     another wall clock for a program
    hosts     Debian systems that boot, with an init of their own
    truth     the frames that the meter sent
    again     what a bridge may say again, and when
    ledger    what was said against what arrived: nothing wrong, lost, twice, out of order, or back
    chain     one meter and all that stands between it and a subscriber, with its ledger

`outputs`, `wait`, `need` and `report` serve all of them. What is to be proven does not stand here, but in the
scripts beside this folder: `faults/run`, `soak`, `light`, `qemu`, `two-hosts`, `home-assistant/run`. Each file
imports only files that stand above it in this list.
"""

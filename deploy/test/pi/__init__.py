"""A Pi without a Pi: Debian's kernels for it in QEMU, with the drivers that a Pi has.

Read in this order:

    debian    what is fetched from Debian: kernels, device trees, programs; and what the machine boots from
    wire      the serial cable between the simulated meter and an emulated UART or USB adapter
    machine   a machine that boots, the shell in it through which everything is asked, and its USB socket
    header    what is proven at the pins of a Pi 3: UARTs and light
    adapter   what is proven with a USB adapter, udev and the 32-bit reader among it
    footprint what the readers take of disk and memory
    run       the table of all that, and the verdict

`init` is what the kernel starts. Each file imports only files that stand above it in this list, and `bench`.
"""

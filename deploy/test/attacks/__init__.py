"""Attacks on the real programs: what somebody on the network, a hostile reader or a hostile server can do.

Read in this order:

    hpke      the seal, written a second time, from RFC 9180 alone
    hostile   somebody on the network, and a reader that is believed and lies
    house     the real system under attack, and what its owner sees of it
    servers   a broker and a Home Assistant that do not behave
    routers   routers that do not behave, and the attacks with them on a reader
    network, insiders, services, files   the attacks, one function each
    table     all of them, with what came of each before

Each attack returns what came of it, and fails where that is not as it should be.
"""

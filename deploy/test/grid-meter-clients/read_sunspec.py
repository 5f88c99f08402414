"""Reads once: with pysunspec2, which looks for the meter itself, and the power once more with pymodbus: HOST PORT."""

import json
import sys

from pymodbus.client import ModbusTcpClient
from sunspec2.modbus.client import SunSpecModbusClientDeviceTCP

WATTS = {201: 40087, 203: 40087, 211: 40097, 213: 40097}


def read(host, port):
    device = SunSpecModbusClientDeviceTCP(slave_id=1, ipaddr=host, ipport=int(port), timeout=3)
    try:
        device.scan()
        number = next(number for number in device.models if number in WATTS)
        model = device.models[number][0]
        told = {"model": number, "power": model.W.cvalue, "serial": device.common[0].SN.value}
        told |= {"drawn": model.TotWhImp.cvalue, "injected": model.TotWhExp.cvalue}
        told["again"] = again(host, int(port), number)
        return told
    finally:
        device.close()


def again(host, port, number):
    client = ModbusTcpClient(host, port=port, timeout=3, retries=0)
    client.connect()
    try:
        is_float = number > 210
        read = client.read_holding_registers(WATTS[number], count=2 if is_float else 1, device_id=240)
        if read.isError():
            raise OSError(str(read))
        return client.convert_from_registers(
            read.registers, client.DATATYPE.FLOAT32 if is_float else client.DATATYPE.INT16
        )
    finally:
        client.close()


try:
    print(json.dumps(read(*sys.argv[1:])))
except Exception as error:
    print(type(error).__name__, error, file=sys.stderr)
    print("null")

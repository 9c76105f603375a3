"""Data of CREATE FILE for a PxSE and for an application that is registered with one."""

from .terminal import apdu, dgi, lv

PXSE_AID = "A0000005070100"


def pxse(fid="2000", aid=PXSE_AID, *, places="08", more=""):
    return apdu("00E00000", dgi("9200", f"3F00{fid}{places}000062{lv('84' + lv(aid) + more)}"))


def registered(fid, aid, kind="40"):
    return {"fid": fid, "aid": aid, "kind": kind, "more": "D4" + lv(PXSE_AID)}


def free(bench):
    bench.ok("00A40000")
    return int(bench.ok("80CE000000")[-6:], 16)

#!/usr/bin/env python3
"""Verify exports of Tocsin's record: audit-verify.py PUBLIC-KEY-HEX EXPORT...

A second opinion that shares no code with Tocsin and needs only the standard library.
For each file one line: "whole" or "NOT whole: <first problem>"; exit code 1 when any is
not. It checks: the hash of every line and that it follows the one before; that each
head is signed and is the hash of its line, and that no head speaks of a line that is
not here; the keys, each signed by itself and by the one before unless yours
comes later, and that yours is one of them; every text against its digest; that a text that is missing was redacted, and
that a redacted one is missing; the signature over all bytes before the last line, and
that this one is written in its one way. It does not read an anchor file. See audit.md.
"""
import functools, hashlib, json, re, sys

# Ed25519 verification after RFC 8032, section 5.1 and its appendix.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)

def add(a, b):
    x = (a[1] - a[0]) * (b[1] - b[0]) % P
    y = (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = y - x, d - c, d + c, y + x
    return e * f % P, g * h % P, f * g % P, e * h % P

def times(n, p):
    q = (0, 1, 1, 0)
    while n:
        if n & 1:
            q = add(q, p)
        p, n = add(p, p), n >> 1
    return q

def point(raw):
    n = int.from_bytes(raw, "little")
    y, sign = n & ((1 << 255) - 1), n >> 255
    if y >= P:
        return None
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * ROOT % P
    if (x * x - xx) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P

BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))

@functools.lru_cache(None)
def signed(public, sig, message):
    if not (is_hex(public, 32) and is_hex(sig, 64)):
        return False
    pub, sig = bytes.fromhex(public), bytes.fromhex(sig)
    a, s = point(pub), int.from_bytes(sig[32:], "little")
    if a is None or s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(sig[:32] + pub + message).digest(), "little") % L
    # s*B - h*A must be R, written in its one way
    x, y, z, _ = add(times(s, BASE), times(h, (P - a[0], a[1], 1, P - a[3])))
    z = pow(z, P - 2, P)
    return ((y * z % P) | ((x * z % P & 1) << 255)).to_bytes(32, "little") == sig[:32]

def is_hex(s, size):
    return isinstance(s, str) and re.fullmatch("[0-9a-f]{%d}" % (2 * size), s) is not None

def fields(*values):
    out = b""
    for v in values:
        raw = str(v).encode() if type(v) in (int, str) else want(False, "a field of a strange type")
        out += b"%d:%s" % (len(raw), raw)
    return out

def want(ok, what):
    if not ok:
        raise ValueError(what)

def refs(v):
    if isinstance(v, dict):
        if list(v) == ["ref"] and is_hex(v["ref"], 32):
            yield v["ref"]
            return
        v = list(v.values())
    for e in v if isinstance(v, list) else ():
        yield from refs(e)

def line_hash(space, e):
    want(is_hex(e["prev"], 32), "malformed hash")
    names = ("stream", "seq", "kind", "v", "at", "occurred", "actor", "via", "root", "data")
    return hashlib.sha256(bytes.fromhex(e["prev"]) + fields(space, *(e[n] for n in names))).hexdigest()

def verify(raw, trusted):
    want(raw.endswith(b"\n"), "the export is cut in the middle of a line")
    lines = raw[:-1].split(b"\n")
    head = json.loads(lines[0])
    want(head["type"] == "tocsin-audit" and head["v"] == 1, "not an export of version 1")
    space, keys, stream, seen = head["workspace"], [], None, []
    spoken, have, erased, last, prev, kind = {}, {}, {}, 0, "", None

    def by_key(ident, at):
        for i, k in enumerate(keys):
            if k["id"] == ident:
                want(k["at"] <= at and (i + 1 == len(keys) or at <= keys[i + 1]["at"]), "signed out of its key's time")
                return k["public"]
        want(False, "signed by an unknown key")

    def vouch():
        publics = [k["public"] for k in keys]
        want(trusted in publics, "your key is not among those of the export")
        want(all(k["by_prev"] for k in keys[publics.index(trusted) + 1:]), "a later key is not signed by the one before it")

    for n, text in enumerate(lines[1:], 2):
        e = json.loads(text)
        kind = e["type"]
        where = "line %d: " % n
        if kind not in ("key", "end"):
            vouch()
        if kind in ("event", "head") and e["stream"] != stream:
            want(e["stream"] not in seen, where + "a stream goes on after another began")
            stream, last, prev = e["stream"], 0, "0" * 64
            seen.append(stream)
        if kind == "key":
            before = keys[-1] if keys else {"id": "", "public": "", "at": 0}
            said = fields("tocsin audit key 1", space, e["id"], e["public"], e["at"], before["id"], before["public"])
            want(not seen and e["prev"] == before["id"] and e["at"] >= before["at"], where + "key out of order")
            want(signed(e["public"], e["by_self"], said), where + "key does not sign itself")
            want(e["id"] == hashlib.sha256(bytes.fromhex(e["public"])).hexdigest()[:16], where + "key id")
            want(e["by_prev"] == "" or signed(before["public"], e["by_prev"], said), where + "key not signed by the one before")
            want(e["id"] not in [k["id"] for k in keys], where + "key twice")
            keys.append(e)
        elif kind in ("event", "cited"):
            want(line_hash(space, e) == e["hash"], where + "this line was changed")
            if kind == "event":
                want(e["seq"] == last + 1 and e["prev"] == prev, where + "does not follow the line before")
                last, prev = e["seq"], e["hash"]
                for r in refs(json.loads(e["data"])):
                    spoken.setdefault((stream, r), n)
            if e["kind"] in ("redacted", "evidence_erased"):
                for r in json.loads(e["data"])["refs"] or ():
                    erased.setdefault(r, "%s/%d by %s" % (e["stream"], e["seq"], e["actor"]))
        elif kind == "head":
            want(signed(by_key(e["key"], e["at"]), e["sig"], fields(
                "tocsin audit head 1", space, stream, e["seq"], e["hash"], e["at"], e["key"])), where + "forged head")
            want((e["seq"], e["hash"]) == (last, prev), where + "the record is not the one that was signed, or is cut")
        elif kind == "text":
            whole = bytes.fromhex(e["salt"]) + (bytes.fromhex(e["hex"]) if "hex" in e else e.get("text", "").encode())
            want(len(e["salt"]) == 64 and hashlib.sha256(whole).hexdigest() == e["ref"], where + "not the text that was spoken of")
            want((stream, e["ref"]) in spoken and (stream, e["ref"]) not in have, where + "nobody speaks of this text, or it is here twice")
            have[stream, e["ref"]] = n
        elif kind == "end":
            want(n == len(lines), where + "something comes after the end")
            want(json.dumps(e, separators=(",", ":"), ensure_ascii=False).encode() == text, where + "not written as Tocsin writes it")
            want(e["lines"] == n - 1 and e["sha256"] == hashlib.sha256(raw[:len(raw) - len(text) - 1]).hexdigest(), where + "a line before was changed, dropped or added")
            vouch()
            want(signed(by_key(e["key"], e["at"]), e["sig"], fields(
                "tocsin audit export 1", space, e["lines"], e["sha256"], e["at"], e["key"])), where + "the signature of the export is forged")
        else:
            want(False, where + "foreign line")
    want(kind == "end", "the export is cut: its last line is not here")
    want(seen == head["streams"], "streams are missing")
    for (where, r), n in spoken.items():
        want((where, r) in have or r in erased or not head["texts"], "line %d: a text is missing and nothing says why" % n)
        want((where, r) not in have or r not in erased, "line %d: a redacted text is still here" % n)
    return "whole: %d lines, %d texts, %d erased" % (len(lines), len(have), len([1 for _, r in spoken if r in erased]))

def main():
    if len(sys.argv) < 3 or not is_hex(sys.argv[1].lower(), 32):
        sys.exit(__doc__)
    bad = False
    for path in sys.argv[2:]:
        try:
            with open(path, "rb") as f:
                said = verify(f.read(), sys.argv[1].lower())
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as why:
            bad, said = True, "NOT whole: %s" % why
        print("%s: %s" % (path, said))
    sys.exit(1 if bad else 0)

main()

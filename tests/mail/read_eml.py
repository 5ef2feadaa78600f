# Reads a mail file as mail programs do and prints what is in it as JSON.
import email
import email.policy
import json
import sys

raw = open(sys.argv[1], "rb").read()
message = email.message_from_bytes(raw, policy=email.policy.default)
parts = [p for p in message.walk() if not p.is_multipart()]
defects = [str(d) for p in message.walk() for d in p.defects]
defects += [f"{name}: {d}" for name, value in message.items() for d in value.defects]
print(json.dumps({
    "headers": [[name, str(value)] for name, value in message.items()],
    "type": message.get_content_type(),
    "parts": {p.get_content_type(): p.get_content().replace("\r\n", "\n") for p in parts},
    "charsets": sorted({p.get_content_charset() for p in parts}),
    "defects": defects,
    "bare_line_ends": raw.count(b"\n") - raw.count(b"\r\n") + raw.count(b"\r") - raw.count(b"\r\n"),
    "longest_line": max(len(line) for line in raw.split(b"\r\n")),
    "ascii": raw.isascii(),
}))

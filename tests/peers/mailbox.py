"""A mail server by aiosmtpd that wants STARTTLS and a password, and tells each letter as Python's own parser reads it.

Arguments: the files of a certificate and of its key.
"""

import email
import email.policy
import json
import socket
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


def tell(what):
    print(json.dumps(what), flush=True)


class Mailbox:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        tell({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "headers": {name.lower(): str(value) for name, value in letter.items()},
            "text": letter.get_content(),
            "defects": [str(defect) for defect in letter.defects],
            "encrypted": session.ssl is not None,
        })
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    known = data.login == b"acme" and data.password == b"correct horse"
    return AuthResult(success=known)


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
controller = Controller(
    Mailbox(),
    hostname="127.0.0.1",
    port=port,
    tls_context=context,
    require_starttls=True,
    auth_required=True,
    authenticator=authenticate,
)
controller.start()
tell({"port": port})
sys.stdin.read()
controller.stop()

import base64
import hashlib
import hmac
import time


def is_genuine(secret, headers, body):
    """Whether a request with these headers and this body (bytes, as they came) was sent by the portal."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    identity, moment = headers["webhook-id"], headers["webhook-timestamp"]
    expected = hmac.digest(key, f"{identity}.{moment}.".encode() + body, hashlib.sha256)
    signatures = [base64.b64decode(one[3:]) for one in headers["webhook-signature"].split() if one.startswith("v1,")]
    is_fresh = abs(time.time() - int(moment)) < 300
    return is_fresh and any(hmac.compare_digest(one, expected) for one in signatures)

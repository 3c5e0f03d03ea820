"""Who signs: an authority of this installation's own, made at first use, or the certificate that the player brings.

Own authority, in the folder `credentials` of the player's home (0700, files 0600): root.pem, a root's key and certificate, and
signing.pem, the key and certificate that it gave to this program. Nobody else vouches for it: elsewhere it shows that what it
signed is unchanged and all of one installation, not whose. It is renewed by itself: as there are no time stamps (that needs a
network and a third party), a signature lasts as long as its certificate, so each certificate is given for ten years
and replaced when less than nine are left. Former roots stay as former-ID.pem, certificate only, and are trusted for reading.

The player's own: own.toml there, `certificate` a PEM chain, the signing certificate first, and `key` its private key in PEM,
without a passphrase; or the environment, ANTIPHON_CERTIFICATE and ANTIPHON_KEY. PEM files in the folder `trusted` are
authorities whose signatures count as trusted when files are read.
"""

from __future__ import annotations

import datetime
import os
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..home import home

ROOT, SIGNING, OWN, TRUSTED = "root.pem", "signing.pem", "own.toml", "trusted"
ENVIRONMENT = ("ANTIPHON_CERTIFICATE", "ANTIPHON_KEY")
ROOT_YEARS, SIGNING_YEARS, LEAST_YEARS = 30, 10, 9
# What the certificate is for: C2PA's own purpose, and e-mail protection, without which c2pa-rs 0.91 takes none.
_PURPOSES = ("1.3.6.1.4.1.62558.2.1", "1.3.6.1.5.5.7.3.4")
_AUTHORITY = ", own authority"
_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """What signs. `chain` and `key` are PEM, `algorithm` is C2PA's name of it; `own` whether this installation made it."""

    chain: str
    key: str
    algorithm: str
    own: bool
    subject: str
    until: datetime.datetime
    fingerprint: str

    def as_json(self) -> dict:
        """All but the key."""
        return {"own": self.own, "subject": self.subject, "until": f"{self.until:%Y-%m-%d}", "algorithm": self.algorithm,
                "sha256": self.fingerprint, "folder": str(folder()), "certificates": self.chain}  # fmt: skip


def folder() -> Path:
    """Give where the own authority lies."""
    return home() / "credentials"


def current() -> Authority:
    """Give what signs here: the player's certificate where there is one, else the own authority, made where there is none.

    Raises UsageError where it cannot be made, read or used; needs `cryptography`.
    """
    named = _named()
    return _yours(*named) if named else _own()


def new_root() -> Authority:
    """Make a new root and certificate; the former root's certificate stays, its key does not. Raises UsageError."""
    where = _private_folder()
    try:
        old = (where / ROOT).read_bytes()
        try:
            former = _certificates(old)[0]
        except ValueError:
            os.replace(where / ROOT, where / f"damaged-{secrets.token_hex(4)}.pem")
        else:
            _write(where / f"former-{_fingerprint(former)[:16]}.pem", _pem(former))
    except FileNotFoundError:
        pass
    except OSError as error:
        raise UsageError(f"{where / ROOT}: cannot be replaced ({error.strerror})") from None
    _write(where / ROOT, _make_root())
    (where / SIGNING).unlink(missing_ok=True)
    return _own()


def anchors() -> str:
    """Give, as PEM, the authorities that are trusted when files are read: own ones, the player's, and those in `trusted`.

    Makes nothing; what cannot be read is left out.
    """
    where, found = folder(), []
    named = None
    try:
        named = _named()
    except UsageError:
        pass
    paths = [where / ROOT, *sorted(where.glob("former-*.pem")), *sorted((where / TRUSTED).glob("*.pem"))]
    for path in [*paths, *([named[0]] if named else [])]:
        try:
            found += [_pem(one).decode() for one in _certificates(path.read_bytes()) if _is_authority(one)]
        except (OSError, ValueError):
            continue
    return "".join(dict.fromkeys(found))


def own_names() -> set[str]:
    """Name what this installation's authority, as it is and as it was, calls the signing certificates it gave."""
    where, found = folder(), set()
    for path in (where / ROOT, *where.glob("former-*.pem")):
        try:
            found.add(_name(_certificates(path.read_bytes())[0]).removesuffix(_AUTHORITY))
        except (OSError, ValueError):
            continue
    return found


def _own() -> Authority:
    where = _private_folder()
    root = _read_or_make(where / ROOT, _make_root)
    try:
        return _signing(where, root)
    except ValueError as error:
        raise UsageError(f"{where / ROOT}: cannot be used ({error}); antiphon credentials authority new makes another") from None


def _signing(where: Path, root: bytes) -> Authority:
    """Read the signing certificate; where it is missing, near its end or not by this root, make it anew."""
    issuer, issuer_key = _certificates(root)[0], _key(root)
    now = _now()
    if issuer.not_valid_after_utc < now + LEAST_YEARS * 365 * _DAY:
        raise ValueError(f"it ends on {issuer.not_valid_after_utc:%Y-%m-%d}")
    if issuer.not_valid_before_utc > now:
        raise ValueError(f"it begins on {issuer.not_valid_before_utc:%Y-%m-%d}, after this machine's clock: set the clock")
    path = where / SIGNING
    leaf, key, left, problem = _usable(path, issuer, now)
    if left < LEAST_YEARS * 365 * _DAY:
        try:
            _write(path, _make_signing(issuer, issuer_key))
            leaf, key, left, problem = _usable(path, issuer, now)
        except UsageError:
            if left <= 0 * _DAY:
                raise
    if left <= 0 * _DAY:
        raise ValueError(f"{SIGNING}: {problem}")
    chain = (_pem(leaf) + _pem(issuer)).decode()
    return Authority(chain, _key_pem(key), "es256", True, _name(leaf), leaf.not_valid_after_utc, _fingerprint(issuer))


def _usable(path: Path, issuer, now: datetime.datetime):
    """Read a certificate and key: (certificate, key, time that is left, what is wrong); no time is left where it can't be used."""
    none = 0 * _DAY
    try:
        content = path.read_bytes()
        leaf, key = _certificates(content)[0], _key(content)
        leaf.verify_directly_issued_by(issuer)
    except FileNotFoundError:
        return None, None, none, "it is missing"
    except OSError as error:
        return None, None, none, f"it cannot be read ({error.strerror})"
    except Exception as error:  # damaged, or of another root: cryptography has many words for it
        return None, None, none, str(error) or type(error).__name__
    if leaf.not_valid_before_utc > now or leaf.public_key() != key.public_key():
        return leaf, key, none, "its dates do not hold today, or its key is another's"
    return leaf, key, leaf.not_valid_after_utc - now, ""


def _named() -> tuple[Path, Path, str] | None:
    """Give the player's certificate and key, and where they were named; None where they are not."""
    given = [os.environ.get(name, "") for name in ENVIRONMENT]
    if any(given):
        if not all(given):
            raise UsageError(f"{' and '.join(ENVIRONMENT)}: only one of them is set; name a certificate and its key")
        return Path(given[0]).expanduser(), Path(given[1]).expanduser(), ENVIRONMENT[0]
    path = folder() / OWN
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    files = [told.get(name) for name in ("certificate", "key")]
    if not all(isinstance(name, str) and name for name in files):
        raise UsageError(f'{path}: expected certificate = "FILE" and key = "FILE", both PEM')
    return path.parent / Path(files[0]).expanduser(), path.parent / Path(files[1]).expanduser(), str(path)


def _yours(certificate: Path, key: Path, where: str) -> Authority:
    contents = []
    for path in (certificate, key):
        try:
            contents.append(path.read_bytes())
        except OSError as error:
            raise UsageError(f"{path}: cannot be read ({error.strerror}); it is named by {where}") from None
    try:
        chain = _certificates(contents[0])
    except ValueError:
        raise UsageError(f"{certificate}: holds no certificate in PEM; give the chain, the signing certificate first") from None
    try:
        secret = _key(contents[1])
        algorithm = _algorithm(secret)
    except (ValueError, TypeError) as error:  # TypeError: it has a passphrase
        raise UsageError(f"{key}: is no private key that can be used ({error}); give it in PEM, without a passphrase") from None
    leaf = chain[0]
    if leaf.public_key() != secret.public_key():
        raise UsageError(f"{key}: is not the key of the first certificate in {certificate}; give the pair")
    if leaf.not_valid_after_utc < _now():
        raise UsageError(f"{certificate}: expired on {leaf.not_valid_after_utc:%Y-%m-%d}; renew it, or take it out of {where}")
    if leaf.not_valid_before_utc > _now():
        raise UsageError(f"{certificate}: begins on {leaf.not_valid_before_utc:%Y-%m-%d}; is the clock right?")
    text = b"".join(map(_pem, chain)).decode()
    return Authority(text, _key_pem(secret), algorithm, False, _name(leaf), leaf.not_valid_after_utc, _fingerprint(chain[-1]))


def _algorithm(key) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(key, ec.EllipticCurvePrivateKey):
        names = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
        if key.curve.name not in names:
            raise ValueError(f"curve {key.curve.name}; taken are P-256, P-384 and P-521")
        return names[key.curve.name]
    if isinstance(key, rsa.RSAPrivateKey):
        return "ps256"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise ValueError("taken are EC, RSA and Ed25519")


def _make_root() -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = _subject(f"Antiphon installation {secrets.token_hex(4)}{_AUTHORITY}")
    uses = {"key_cert_sign": True, "crl_sign": True}
    root = _builder(name, name, key.public_key(), ROOT_YEARS, uses)
    root = root.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    return _key_pem(key).encode() + _pem(root.sign(key, hashes.SHA256()))


def _make_signing(issuer, issuer_key) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = _subject(_name(issuer).removesuffix(_AUTHORITY))
    leaf = _builder(name, issuer.subject, key.public_key(), SIGNING_YEARS, {"digital_signature": True})
    leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    leaf = leaf.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(one) for one in _PURPOSES]), critical=False)
    leaf = leaf.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    return _key_pem(key).encode() + _pem(leaf.sign(issuer_key, hashes.SHA256()))


def _builder(name, issuer, public_key, years: int, uses: dict[str, bool]):
    from cryptography import x509

    none = dict.fromkeys(("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                          "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"), False)  # fmt: skip
    begin = _now() - _DAY  # clocks differ
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + years * 365 * _DAY)
        .add_extension(x509.KeyUsage(**{**none, **uses}), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
    )


def _subject(common: str):
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Antiphon"), x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _read_or_make(path: Path, make) -> bytes:
    """Read a file, made where there is none; of two programs that make it at once, both use the one that was there first."""
    try:
        try:
            return path.read_bytes()
        except FileNotFoundError:
            part = _part(path, make())
            try:
                os.link(part, path)  # unlike rename, it never takes the place of another
            except FileExistsError:
                pass
            except OSError:  # a file system without links
                if not path.exists():
                    os.replace(part, path)
            finally:
                part.unlink(missing_ok=True)
            return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{error.filename or path}: no authority can be made there ({error.strerror}); {_mend()}") from None


def _write(path: Path, content: bytes) -> None:
    """Put a file in the place of another, whole. Raises UsageError."""
    try:
        part = _part(path, content)
        try:
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"{error.filename or path}: cannot be written ({error.strerror}); {_mend()}") from None


def _part(path: Path, content: bytes) -> Path:
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return part


def _private_folder() -> Path:
    where = folder()
    try:
        where.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix" and where.stat().st_mode & 0o077:
            where.chmod(0o700)
    except OSError as error:
        raise UsageError(f"{where}: no authority can be made there ({error.strerror}); {_mend()}") from None
    return where


def _mend() -> str:
    return f"make it writable, or name a certificate in {' and '.join(ENVIRONMENT)}"


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)


def _certificates(content: bytes) -> list:
    """Read all certificates of a PEM. Raises ValueError where there is none."""
    from cryptography import x509

    return x509.load_pem_x509_certificates(content)


def _is_authority(certificate) -> bool:
    from cryptography import x509

    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except (x509.ExtensionNotFound, ValueError):
        return False


def _key(content: bytes):
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    return load_pem_private_key(content, None)


def _key_pem(key) -> str:
    from cryptography.hazmat.primitives import serialization as form

    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()


def _pem(certificate) -> bytes:
    from cryptography.hazmat.primitives.serialization import Encoding

    return certificate.public_bytes(Encoding.PEM)


def _name(certificate) -> str:
    from cryptography.x509.oid import NameOID

    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else certificate.subject.rfc4514_string()


def _fingerprint(certificate) -> str:
    from cryptography.hazmat.primitives import hashes

    return certificate.fingerprint(hashes.SHA256()).hex()

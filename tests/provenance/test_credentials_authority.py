"""Who signs: an authority made once, private, renewed by itself; the player's certificate; and one clear line where it can't be."""

import datetime
import os
import stat
import subprocess
import sys
import time

import numpy as np
import pytest
import soundfile

from antiphon.errors import UsageError
from antiphon.provenance import authority
from antiphon.provenance.credentials import prepare, read, sign_file

pytest.importorskip("c2pa")
x509 = pytest.importorskip("cryptography.x509")

from cryptography.hazmat.primitives import hashes, serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa  # noqa: E402

DAY = datetime.timedelta(days=1)
NOW = datetime.datetime.now(datetime.UTC)


@pytest.fixture(autouse=True)
def fresh_home(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    for name in authority.ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


def sound(path):
    soundfile.write(path, np.full((480, 1), 0.1), 48_000, "PCM_24")
    return path


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def pem_key(key, passphrase=None):
    how = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)


def certificate(
    key, issuer=None, issuer_key=None, begin=NOW - DAY, end=NOW + 30 * DAY, purposes=("1.3.6.1.5.5.7.3.4",), name="Ada's studio"
):
    """A certificate as a company's authority would give it: an authority where `issuer` is None, else a signing one."""
    def named(text):
        pairs = (x509.NameOID.COMMON_NAME, text), (x509.NameOID.ORGANIZATION_NAME, "Studio")
        return x509.Name([x509.NameAttribute(*pair) for pair in pairs])

    others = "content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only"
    uses = dict.fromkeys(others, False)
    uses |= {"digital_signature": issuer is not None, "key_cert_sign": issuer is None, "crl_sign": issuer is None}
    made = (x509.CertificateBuilder().subject_name(named(name)).issuer_name(issuer.subject if issuer else named(name))
            .public_key(key.public_key()).serial_number(x509.random_serial_number()).not_valid_before(begin).not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
            .add_extension(x509.KeyUsage(**uses), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False))  # fmt: skip
    if issuer:
        made = made.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(one) for one in purposes]), critical=False)
        made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    signs = issuer_key or key
    return made.sign(signs, None if isinstance(signs, ed25519.Ed25519PrivateKey) else hashes.SHA256())


def studio(folder, key=None, **leaf):
    """Write chain.pem and key.pem of a player who has a certificate."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), key or ec.generate_private_key(ec.SECP256R1())
    root = certificate(root_key, name="Studio authority")
    chain = [certificate(key, root, root_key, **leaf), root]
    (folder / "chain.pem").write_bytes(b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain))
    (folder / "key.pem").write_bytes(pem_key(key))
    return folder / "chain.pem", folder / "key.pem"


def name_it(monkeypatch, chain, key):
    monkeypatch.setenv("ANTIPHON_CERTIFICATE", str(chain))
    monkeypatch.setenv("ANTIPHON_KEY", str(key))


def test_the_authority_is_made_once_and_for_its_owner_alone():
    """Folder 0700, keys 0600; the second time it is the same."""
    assert prepare() == ""
    first = authority.current()
    assert (first.own, first.algorithm) == (True, "es256")
    assert mode(authority.folder()) == 0o700
    assert {path.name: mode(path) for path in authority.folder().iterdir()} == {"root.pem": 0o600, "signing.pem": 0o600}
    assert authority.current() == first
    assert "PRIVATE" not in str(first.as_json())


def test_an_open_folder_is_closed():
    authority.current()
    authority.folder().chmod(0o755)
    authority.current()
    assert mode(authority.folder()) == 0o700


def test_two_programs_at_once_have_one_authority():
    """Both sign under the root that was there first, and what each signed is of this installation."""
    code = "from antiphon.provenance import authority; who = authority.current(); print(who.fingerprint, who.subject)"
    running = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = {one.communicate(timeout=60)[0].strip() for one in running}
    assert len(told) == 1
    assert all(one.returncode == 0 for one in running)
    assert authority.current().fingerprint in told.pop()
    assert sorted(path.name for path in authority.folder().iterdir()) == ["root.pem", "signing.pem"]


def test_a_certificate_near_its_end_is_renewed_from_the_root(monkeypatch):
    """With less than nine years left a new one is given; the root stays."""
    first = authority.current()
    monkeypatch.setattr(authority, "_now", lambda: NOW + 2 * 365 * DAY)
    later = authority.current()
    assert later.until > first.until
    assert later.fingerprint == first.fingerprint
    assert authority.current() == later


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_read_only_home_with_an_authority_still_signs(monkeypatch):
    first = authority.current()
    authority.folder().chmod(0o500)
    try:
        monkeypatch.setattr(authority, "_now", lambda: NOW + 2 * 365 * DAY)
        assert authority.current() == first
    finally:
        authority.folder().chmod(0o700)


def test_a_renewal_that_cannot_be_written_goes_on_with_what_is_there(monkeypatch):
    first = authority.current()
    monkeypatch.setattr(authority, "_now", lambda: NOW + 2 * 365 * DAY)

    def full(path, content):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(authority, "_part", full)
    assert authority.current() == first


def test_a_home_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    """No authority, no signature: said with what to do; the file is untouched."""
    (tmp_path / "config").write_text("a file where the folder should be")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert "no authority can be made there" in prepare()
    path = sound(tmp_path / "a.wav")
    before = path.read_bytes()
    with pytest.raises(UsageError, match="no authority can be made there .Not a directory.; make it writable, or name"):
        sign_file(path, kind="mix", about={})
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"nonsense", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_a_damaged_root_is_said_and_can_be_made_anew(content):
    authority.current()
    (authority.folder() / "root.pem").write_bytes(content)
    with pytest.raises(UsageError, match="root.pem: cannot be used .*; antiphon credentials authority new"):
        authority.current()
    assert authority.new_root().own
    assert authority.current().own


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_damaged_signing_certificate_is_made_anew(content):
    first = authority.current()
    path = authority.folder() / "signing.pem"
    path.write_bytes((authority.folder() / "root.pem").read_bytes() if content is None else content)
    again = authority.current()
    assert again.fingerprint == first.fingerprint
    assert again.chain != first.chain


def test_what_a_former_authority_signed_stays_trusted_here(tmp_path):
    """`authority new` keeps the former certificate and not its key."""
    path = sound(tmp_path / "a.wav")
    sign_file(path, kind="mix", about={})
    first = authority.current()
    second = authority.new_root()
    assert second.fingerprint != first.fingerprint
    assert (read(path).state, read(path).own) == ("valid", True)
    (former,) = authority.folder().glob("former-*.pem")
    assert b"PRIVATE" not in former.read_bytes()


def test_an_authority_of_somebody_else_is_trusted_when_its_file_is_there(tmp_path, monkeypatch):
    """Another installation's signature is untrusted until its certificate lies in `trusted`; it is not called ours then."""
    path = sound(tmp_path / "a.wav")
    sign_file(path, kind="mix", about={})
    theirs = authority.current().chain
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "mine"))
    authority.current()
    assert read(path).state == "untrusted"
    assert "you do not trust" in read(path).lines()[0]
    folder = authority.folder() / authority.TRUSTED
    folder.mkdir()
    (folder / "theirs.pem").write_text(theirs)
    (folder / "nonsense.pem").write_text("nonsense")
    assert (read(path).state, read(path).own) == ("valid", False)


def test_reading_makes_nothing(tmp_path, monkeypatch):
    """Whoever only looks gets no keys."""
    path = sound(tmp_path / "a.wav")
    sign_file(path, kind="mix", about={})
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "empty"))
    assert read(path).state == "untrusted"
    assert not (tmp_path / "empty").exists()


def test_an_expired_certificate_is_told_from_a_broken_file(tmp_path, monkeypatch):
    """Intact, but its certificate ran out: said so. A flipped byte in it is broken all the same."""
    end = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(seconds=3)
    monkeypatch.setattr(authority, "_now", lambda: end - 10 * 365 * DAY + DAY)
    path = sound(tmp_path / "a.wav")
    sign_file(path, kind="mix", about={})
    assert authority.current().until == end
    assert read(path).state == "valid"
    time.sleep(max(0.0, (end - datetime.datetime.now(datetime.UTC)).total_seconds() + 1.1))
    assert read(path).state == "expired"
    assert "no time stamp tells" in read(path).lines()[0]
    content = bytearray(path.read_bytes())
    content[500] ^= 1
    path.write_bytes(content)
    assert read(path).state == "broken"


@pytest.mark.parametrize("key, algorithm", [
    (lambda: ec.generate_private_key(ec.SECP256R1()), "es256"), (lambda: ec.generate_private_key(ec.SECP384R1()), "es384"),
    (lambda: rsa.generate_private_key(65537, 2048), "ps256"), (ed25519.Ed25519PrivateKey.generate, "ed25519"),
])  # fmt: skip
def test_the_players_certificate_signs(tmp_path, monkeypatch, key, algorithm):
    """Named in the environment; no own authority is made, and here it is trusted."""
    name_it(monkeypatch, *studio(tmp_path, key()))
    path = sound(tmp_path / "a.wav")
    sign_file(path, kind="mix", about={})
    assert authority.current().algorithm == algorithm
    found = read(path)
    assert (found.state, found.own, found.signer) == ("valid", False, "Ada's studio")
    assert not (authority.folder() / "root.pem").exists()
    for name in authority.ENVIRONMENT:
        monkeypatch.delenv(name)
    assert read(path).state == "untrusted"


def test_the_players_certificate_is_named_in_own_toml(tmp_path):
    """Paths in it are beside it."""
    authority.folder().mkdir(parents=True)
    studio(authority.folder())
    (authority.folder() / "own.toml").write_text('certificate = "chain.pem"\nkey = "key.pem"\n')
    assert (authority.current().own, authority.current().subject) == (False, "Ada's studio")


@pytest.mark.parametrize("content, told", [
    ("certificate = 1", 'expected certificate = "FILE" and key = "FILE"'), ("certificate", "cannot be read"),
    ('certificate = "none.pem"\nkey = "key.pem"', "none.pem: cannot be read .No such file or directory.; it is named by"),
])  # fmt: skip
def test_a_wrong_own_toml_is_said(content, told):
    """It is never passed over for the own authority: the player meant to sign with theirs."""
    authority.folder().mkdir(parents=True)
    (authority.folder() / "own.toml").write_text(content)
    with pytest.raises(UsageError, match=told):
        authority.current()


def test_a_certificate_that_cannot_sign_is_said(tmp_path, monkeypatch):
    """Expired, not yet begun, another's key, a passphrase, no certificate, a curve, half of the environment, no purpose."""
    path = sound(tmp_path / "a.wav")
    before = path.read_bytes()

    def refused(told):
        with pytest.raises(UsageError, match=told) as error:
            sign_file(path, kind="mix", about={})
        assert "\n" not in str(error.value)
        assert path.read_bytes() == before

    name_it(monkeypatch, *studio(tmp_path, begin=NOW - 9 * DAY, end=NOW - DAY))
    refused(f"expired on {NOW - DAY:%Y-%m-%d}; renew it")
    name_it(monkeypatch, *studio(tmp_path, begin=NOW + 5 * DAY))
    refused("is the clock right")
    name_it(monkeypatch, *studio(tmp_path, purposes=("1.3.6.1.5.5.7.3.1",)))
    refused("Ada's studio: cannot sign .*; give a certificate for digital signature")
    chain, key = studio(tmp_path)
    name_it(monkeypatch, chain, key)
    key.write_bytes(pem_key(ec.generate_private_key(ec.SECP256R1())))
    refused("is not the key of the first certificate")
    key.write_bytes(pem_key(ec.generate_private_key(ec.SECP256R1()), b"secret"))
    refused("without a passphrase")
    key.write_bytes(pem_key(ec.generate_private_key(ec.SECP256K1())))
    refused("curve secp256k1; taken are P-256")
    chain.write_text("nothing")
    refused("holds no certificate in PEM")
    monkeypatch.delenv("ANTIPHON_KEY")
    refused("only one of them is set")

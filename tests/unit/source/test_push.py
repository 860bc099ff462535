"""``sagebridge source push`` against a real S3 interface over HTTP."""

import io
import os
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from sagebridge.cli import source
from sagebridge.cli.source import app
from typer.testing import CliRunner, Result


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(s3_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    environment = {
        "AWS_ENDPOINT_URL": s3_url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="code")
    return client


@pytest.fixture
def code(tmp_path: Path) -> Path:
    directory = tmp_path / "src"
    (directory / "package").mkdir(parents=True)
    (directory / "train.py").write_text("print(1)\n")
    (directory / "package" / "model.py").write_text("x = 1\n")
    (directory / "__pycache__").mkdir()
    (directory / "__pycache__" / "train.cpython-311.pyc").write_bytes(b"")
    (directory / ".git").mkdir()
    (directory / ".git" / "HEAD").write_text("ref")
    return directory


def push(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["push", *map(str, arguments)])


def names_in(s3: Any, uri: str) -> list[str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as archive:
        return archive.getnames()


def test_uploads_once_and_prints_the_uri(s3: Any, code: Path) -> None:
    first = push(code, "s3://code/team-a/", "--entry-point", "train.py")
    assert first.exit_code == 0, first.output
    uri = first.stdout.strip()
    assert uri.startswith("s3://code/team-a/")
    assert uri.endswith("/sourcedir.tar.gz")
    assert names_in(s3, uri) == ["package/model.py", "train.py"]
    assert "Uploaded 2 files" in first.stderr
    again = push(code, "s3://code/team-a")
    assert again.stdout.strip() == uri
    assert "Already there" in again.stderr


def test_other_content_gets_another_uri(s3: Any, code: Path) -> None:
    before = push(code, "s3://code").stdout
    (code / "train.py").write_text("print(2)\n")
    assert push(code, "s3://code").stdout != before


def test_times_and_places_do_not_matter(s3: Any, code: Path, tmp_path: Path) -> None:
    before = push(code, "s3://code").stdout
    os.utime(code / "train.py", (1, 1))
    code.rename(tmp_path / "elsewhere")
    assert push(tmp_path / "elsewhere", "s3://code").stdout == before


def test_big_archives_go_in_parts(s3: Any, code: Path) -> None:
    (code / "weights.bin").write_bytes(os.urandom(9 * 1024**2))
    uri = push(code, "s3://code").stdout.strip()
    head = s3.head_object(Bucket="code", Key=uri.removeprefix("s3://code/"))
    assert head["ETag"].strip('"').endswith("-2")


def test_excludes(s3: Any, code: Path) -> None:
    (code / "data").mkdir()
    (code / "data" / "a.csv").write_text("1")
    (code / "notes.md").write_text("1")
    uri = push(code, "s3://code", "--exclude", "data", "--exclude", "*.md").stdout.strip()
    assert names_in(s3, uri) == ["package/model.py", "train.py"]


def test_links_inside_become_files(s3: Any, code: Path) -> None:
    (code / "again.py").symlink_to(code / "train.py")
    assert "again.py" in names_in(s3, push(code, "s3://code").stdout.strip())


def test_encryption_key_is_sent(s3: Any, code: Path) -> None:
    uri = push(code, "s3://code/encrypted", "--kms-key-id", "alias/code").stdout.strip()
    head = s3.head_object(Bucket="code", Key=uri.removeprefix("s3://code/"))
    assert head["ServerSideEncryption"] == "aws:kms"


def refused(result: Result) -> str:
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.stderr.replace("\n", " ")


def test_no_such_directory(s3: Any, tmp_path: Path) -> None:
    assert "is no directory" in refused(push(tmp_path / "nothing", "s3://code"))


def test_empty_directory(s3: Any, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "has no files" in refused(push(tmp_path / "empty", "s3://code"))


def test_no_such_entry_point(s3: Any, code: Path) -> None:
    said = refused(push(code, "s3://code", "--entry-point", "main.py"))
    assert '--entry-point: "main.py" is not in the source, which has package/model.py, train.py' in said


@pytest.mark.parametrize("target", ["/etc/hosts", "../outside"])
def test_links_out_of_the_directory(s3: Any, code: Path, target: str) -> None:
    (code.parent / "outside").write_text("secret")
    (code / "link").symlink_to(target)
    assert "is a link out of the directory" in refused(push(code, "s3://code"))


def test_links_to_directories(s3: Any, code: Path) -> None:
    (code / "link").symlink_to(code / "package")
    assert "is a link to a directory" in refused(push(code, "s3://code"))


def test_links_to_nothing(s3: Any, code: Path) -> None:
    (code / "link").symlink_to(code / "missing")
    assert "is a link to nothing" in refused(push(code, "s3://code"))


def test_special_files(s3: Any, code: Path) -> None:
    os.mkfifo(code / "pipe")
    assert "is no plain file" in refused(push(code, "s3://code"))


def test_too_big(s3: Any, code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_BYTES", 10)
    assert "the biggest file is train.py" in refused(push(code, "s3://code"))


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("code/prefix", "is no S3 URI"),
        ("s3://", "is no S3 URI"),
        ("s3://code/a//b", "empty part"),
        ("s3://code/../b", "empty part"),
        ("s3://code/a.tar.gz", "give the prefix"),
    ],
)
def test_no_s3_uri(s3: Any, code: Path, uri: str, says: str) -> None:
    assert says in refused(push(code, uri))


def test_no_such_bucket(s3: Any, code: Path) -> None:
    assert "there is no bucket nowhere" in refused(push(code, "s3://nowhere/a"))


def test_no_credentials(s3: Any, code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "no AWS credentials were found" in refused(push(code, "s3://code"))


def test_unreachable(s3: Any, code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert "S3 can't be reached" in refused(push(code, "s3://code"))


class Denying(BaseHTTPRequestHandler):
    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
        self.send_response(403)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_HEAD = do_PUT = answer  # noqa: N815

    def log_message(self, *arguments: Any) -> None:
        pass


def test_access_denied(s3: Any, code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Denying) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        said = refused(push(code, "s3://code/team-a"))
        server.shutdown()
    assert "is denied: these credentials need s3:PutObject there" in said

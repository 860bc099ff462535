"""Framework images: inference.py's functions, their defaults, and what goes wrong."""

import asyncio
import io
import json

import numpy as np
import pytest
from sagebridge_local.serving import ServingError
from support.waiting import eventually_async

DOUBLER = """
    class Doubler:
        def predict(self, rows):
            return rows * 2

    def model_fn(model_dir):
        print("model_fn in", model_dir)
        return Doubler()
"""
NPY = "application/x-npy"


def _npy(values):
    raw = io.BytesIO()
    np.save(raw, np.array(values))
    return raw.getvalue()


@pytest.mark.parametrize(
    ("reason", "content_type", "accept", "body", "want", "want_type"),
    [
        (
            "JSON is the default answer",
            "application/json",
            None,
            b"[[1, 2], [3, 4]]",
            [[2, 4], [6, 8]],
            "application/json",
        ),
        ("any type is the default, too", "application/json", "*/*", b"[1.5]", [3.0], "application/json"),
        (
            "CSV in, JSON out",
            "text/csv",
            "application/json",
            b"1,2\n3,4\n",
            [[2.0, 4.0], [6.0, 8.0]],
            "application/json",
        ),
        (
            "parameters of the type do not matter",
            "text/csv; charset=utf-8",
            None,
            b"1,2",
            [2.0, 4.0],
            "application/json",
        ),
        ("NPY in", NPY, "application/json", _npy([1, 2]), [2, 4], "application/json"),
    ],
)
async def test_defaults_read_and_write_the_toolkits_types(kitchen, reason, content_type, accept, body, want, want_type):
    server = await kitchen.serve(kitchen.definition(kitchen.model(DOUBLER)))

    answer = await server.invoke(body, content_type=content_type, accept=accept)

    assert (answer.status, json.loads(answer.body), answer.content_type) == (200, want, want_type), reason


async def test_lines_stay_whole_though_requests_are_answered_side_by_side(kitchen):
    server = await kitchen.serve(
        kitchen.definition(
            kitchen.model(
                """
                import sys
                import threading

                everybody = threading.Barrier(8)

                def model_fn(model_dir):
                    return None

                def predict_fn(data, model):
                    print("request", end=" ")
                    everybody.wait()
                    print(int(data[0]))
                    everybody.wait()
                    sys.stdout.write("unfinished")
                    return data
                """
            )
        )
    )

    answers = await asyncio.gather(
        *(server.invoke(json.dumps([number]).encode(), content_type="application/json") for number in range(8))
    )
    await server.stop()

    assert [json.loads(answer.body) for answer in answers] == [[number] for number in range(8)]
    log = kitchen.log("AllTraffic/i-1")
    assert sorted(line for line in log if "request" in line) == [f"request {number}" for number in range(8)]
    assert [line for line in log if "unfinished" in line] == ["unfinished"] * 8
    assert [line for line in log if "POST" in line and not line.startswith("127.0.0.1 ")] == []


async def test_csv_and_npy_come_out(kitchen):
    server = await kitchen.serve(kitchen.definition(kitchen.model(DOUBLER)))

    csv = await server.invoke(b"[[1, 2], [3, 4]]", content_type="application/json", accept="text/csv")
    npy = await server.invoke(b"[[1, 2], [3, 4]]", content_type="application/json", accept=NPY)

    assert (csv.body, csv.content_type) == (b"2,4\n6,8\n", "text/csv")
    assert np.load(io.BytesIO(npy.body)).tolist() == [[2, 4], [6, 8]]


async def test_the_users_functions_replace_the_defaults(kitchen):
    server = await kitchen.serve(
        kitchen.definition(
            kitchen.model(
                """
                import os
                from pathlib import Path
                from helper import shout

                def model_fn(model_dir):
                    return Path(model_dir, "word.txt").read_text()

                def input_fn(body, content_type):
                    assert content_type == "text/plain"
                    return body.decode()

                def predict_fn(data, model):
                    return f"{model} {data} {os.environ['GREETING']}"

                def output_fn(prediction, accept):
                    return shout(prediction), "text/plain"
                """,
                files={"code/helper.py": "def shout(text):\n    return text.upper()\n", "word.txt": "hello"},
            ),
            Environment={"GREETING": "there"},
        )
    )

    answer = await server.invoke(b"you", content_type="text/plain", accept="text/plain")

    assert (answer.status, answer.body, answer.content_type) == (200, b"HELLO YOU THERE", "text/plain")


async def test_transform_fn_does_it_all(kitchen):
    server = await kitchen.serve(
        kitchen.definition(
            kitchen.model(
                """
                def model_fn(model_dir):
                    return 3

                def transform_fn(model, body, content_type, accept):
                    return str(model * int(body)), accept
                """
            )
        )
    )

    assert (await server.invoke(b"14", content_type="text/plain", accept="text/plain")).body == b"42"


async def test_sagemaker_program_names_another_file(kitchen):
    url = kitchen.put("other.tar.gz", kitchen.archive_of("code/serve_it.py", DOUBLER))
    server = await kitchen.serve(kitchen.definition(url, Environment={"SAGEMAKER_PROGRAM": "serve_it.py"}))

    assert (await server.invoke(b"[1]", content_type="application/json")).body == b"[2]"


async def test_paths_of_the_container_in_its_environment_lead_to_its_tree(kitchen):
    code = "import os\ndef model_fn(d):\n    return open(os.environ['WEIGHTS']).read()\n"
    code += "def transform_fn(model, *_):\n    return model, 'text/plain'\n"
    url = kitchen.model(code, files={"weights.txt": "seven"})
    environment = {
        "WEIGHTS": "/opt/ml/model/weights.txt",
        "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
        "SAGEMAKER_PROGRAM": "inference.py",
    }
    server = await kitchen.serve(kitchen.definition(url, Environment=environment))

    assert (await server.invoke(b"", content_type="text/plain")).body == b"seven"


async def test_a_torchscript_model_needs_no_code_in_a_pytorch_image(kitchen):
    stub = """
    class Tensor(list):
        def detach(self):
            return self
        cpu = detach
        numpy = detach
        def tolist(self):
            return list(self)

    class jit:
        @staticmethod
        def load(path, map_location):
            factor = int(open(path).read())
            return lambda rows: Tensor(value * factor for value in rows)

    class no_grad:
        def __enter__(self):
            return self
        def __exit__(self, *_):
            pass

    float32 = "float32"
    def as_tensor(data, dtype):
        return data.tolist()
    """
    files = {"model.pt": "3", "code/torch.py": stub}
    url = kitchen.put("torch.tar.gz", kitchen.archive_of_files(files))
    image = "763104351884.dkr.ecr.us-west-2.amazonaws.com/pytorch-inference:2.6.0-cpu-py312"
    server = await kitchen.serve(kitchen.definition(url, image=image))

    assert (await server.invoke(b"[1, 2]", content_type="application/json")).body == b"[3, 6]"


async def test_code_may_come_from_a_submit_directory_of_its_own(kitchen):
    model = kitchen.put("bare.tar.gz", kitchen.archive_of("weights.txt", "7"))
    code = kitchen.put("sourcedir.tar.gz", kitchen.archive_of("entry.py", DOUBLER))
    environment = {"SAGEMAKER_PROGRAM": "entry.py", "SAGEMAKER_SUBMIT_DIRECTORY": code}
    server = await kitchen.serve(kitchen.definition(model, Environment=environment))

    assert (await server.invoke(b"[1]", content_type="application/json")).body == b"[2]"


async def test_an_uncompressed_model_is_laid_out_as_its_prefix_is(kitchen):
    kitchen.put(
        "tree/code/inference.py",
        b"def model_fn(d):\n    return open(d + '/a/b.txt').read()\n"
        b"def transform_fn(m, *_):\n    return m, 'text/plain'\n",
    )
    kitchen.put("tree/a/b.txt", b"deep")
    source = {
        "S3DataSource": {"S3Uri": f"s3://{kitchen.bucket}/tree/", "S3DataType": "S3Prefix", "CompressionType": "None"}
    }
    server = await kitchen.serve(kitchen.definition(ModelDataSource=source))

    assert (await server.invoke(b"", content_type="text/plain")).body == b"deep"


async def test_what_the_model_prints_is_in_its_log_stream(kitchen):
    server = await kitchen.serve(kitchen.definition(kitchen.model(DOUBLER)))
    await server.stop()

    assert any(line.startswith("model_fn in") for line in kitchen.log("AllTraffic/i-1"))


async def test_a_type_that_the_defaults_can_not_read_is_415(kitchen):
    server = await kitchen.serve(kitchen.definition(kitchen.model(DOUBLER)))

    answer = await server.invoke(b"x", content_type="image/png")

    assert answer.status == 415
    assert b"image/png is not supported" in answer.body


async def test_an_exception_is_500_with_its_last_line(kitchen):
    server = await kitchen.serve(
        kitchen.definition(
            kitchen.model("def model_fn(d):\n    return None\ndef transform_fn(*_):\n    raise KeyError('age')\n")
        )
    )

    answer = await server.invoke(b"x", content_type="text/plain")

    assert (answer.status, answer.body, answer.container) == (500, b"KeyError: 'age'", "primary")


async def test_a_model_that_can_not_be_loaded_does_not_pass_the_health_check(kitchen):
    broken = kitchen.model("def model_fn(model_dir):\n    raise RuntimeError('no weights here')\n")

    with pytest.raises(ServingError) as caught:
        await kitchen.serve(kitchen.definition(broken), subject="production variant AllTraffic")

    assert (
        "The primary container for production variant AllTraffic did not pass the ping health check"
        in caught.value.reason
    )
    assert caught.value.reason.endswith("Its last words: RuntimeError: no weights here")


async def test_a_model_that_is_not_there_is_named(kitchen):
    with pytest.raises(ServingError, match=rf'for container "primary" from URL: "s3://{kitchen.bucket}/none.tar.gz"'):
        await kitchen.serve(kitchen.definition(f"s3://{kitchen.bucket}/none.tar.gz"))


async def test_a_model_without_code_says_what_to_do(kitchen):
    with pytest.raises(ServingError, match=r"no code/inference.py .* --image-map"):
        await kitchen.serve(kitchen.definition(kitchen.put("m.tar.gz", kitchen.archive_of("weights.txt", "7"))))


@pytest.mark.parametrize(
    ("reason", "program", "want"),
    [
        ("a script that only trains", "train.py", "train.py has no model_fn; give `source` with inference code"),
        ("inference code that lacks it", "inference.py", "inference.py has no model_fn; give `source`"),
    ],
)
async def test_code_without_model_fn_is_named(kitchen, reason, program, want):
    files = {"weights.txt": "7", "code/train.py": "x = 1\n", "code/inference.py": "y = 1\n"}
    url = kitchen.put("m.tar.gz", kitchen.archive_of_files(files))

    with pytest.raises(ServingError) as caught:
        await kitchen.serve(kitchen.definition(url, Environment={"SAGEMAKER_PROGRAM": program}))

    assert want in caught.value.reason, reason


async def test_a_container_that_exits_is_started_again(kitchen):
    server = await kitchen.serve(
        kitchen.definition(
            kitchen.model(
                """
                import os

                def model_fn(model_dir):
                    return None

                def transform_fn(model, body, content_type, accept):
                    if body == "die":
                        os._exit(3)
                    return str(os.getpid()), "text/plain"
                """
            )
        )
    )
    first = await server.invoke(b"live", content_type="text/csv")
    died = await server.invoke(b"die", content_type="text/csv")
    await eventually_async(server.ping, what="the container, started again")
    second = await server.invoke(b"live", content_type="text/csv")

    assert (died.status, second.status) == (0, 200)
    assert first.body != second.body

"""Who waits for whom."""

from sagebridge.core.references import awaited
from sagebridge.engine.references import References

A, B = ("HPTuningJob", "team", "a"), ("HPTuningJob", "team", "b")


def test_an_object_waits_for_all_that_it_refers_to() -> None:
    references = References()
    references.wait("child", A, B)
    assert references.waiting_for(A) == references.waiting_for(B) == {"child"}
    references.wait("child", B)
    assert references.waiting_for(A) == set()
    references.forget("child")
    assert references.waiting_for(B) == set()
    assert len(references) == 0


def test_what_a_spec_refers_to() -> None:
    parents = [{"ref": {"name": "a"}}, {"hyperParameterTuningJobName": "by-name"}, {"ref": {"name": "b"}}]
    spec = {
        "modelRef": {"kind": "TrainingJob", "name": "base"},
        "warmStartConfig": {"parentHyperParameterTuningJobs": parents},
    }
    assert awaited(spec) == (("TrainingJob", "base"), ("HPTuningJob", "a"), ("HPTuningJob", "b"))
    assert awaited({}) == ()


def test_what_the_models_of_a_spec_refer_to() -> None:
    one, two, three = ({"kind": "TrainingJob", "name": name} for name in ("one", "two", "three"))
    models = [
        {"name": "plain", "modelRef": one},
        {"name": "by-uri", "modelDataUrl": "s3://models/one/model.tar.gz"},
        {"name": "pipeline", "containers": [{"modelRef": two}, {"image": "own:1"}, {"modelRef": three}]},
    ]
    assert awaited({"models": models}) == (("TrainingJob", "one"), ("TrainingJob", "two"), ("TrainingJob", "three"))

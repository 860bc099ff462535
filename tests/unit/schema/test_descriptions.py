"""AWS's words, one sentence of them."""

import pytest
from sagebridge.schema.descriptions import first_sentence
from sagebridge.schema.model import input_shape


@pytest.mark.parametrize(
    ("reason", "documentation", "want"),
    [
        ("two sentences", "<p>The name of the job. It must be unique.</p>", "The name of the job."),
        ("two paragraphs", "<p>The name</p><p>More.</p>", "The name"),
        ("tags between words", "<p>An <code>InputMode</code> of <i>it</i>.</p>", "An InputMode of it."),
        ("a tag before a full stop", "<p>The <code>Name</code>. Next.</p>", "The Name."),
        ("an abbreviation", "<p>Types, e.g. GPUs. More.</p>", "Types, e.g. GPUs."),
        ("an abbreviation before a capital", "<p>Types, i.e. GPUs, are. More.</p>", "Types, i.e. GPUs, are."),
        ("a version", "<p>PyTorch 1.3 and later. More.</p>", "PyTorch 1.3 and later."),
        ("entities", "<p>A &gt;= B &amp; C.</p>", "A >= B & C."),
        ("an empty paragraph first", "<p></p><p>The name.</p>", "The name."),
        ("a list after the sentence", "<p>One of:</p><ul><li><p>A</p></li></ul>", "One of:"),
        ("nothing", "", ""),
    ],
)
def test_first_sentence(reason: str, documentation: str, want: str) -> None:
    assert first_sentence(documentation) == want, reason


def test_the_service_documents_its_fields() -> None:
    members = input_shape("CreateTrainingJob").members
    assert first_sentence(members["TrainingJobName"].documentation) == "The name of the training job."
    assert all("<" not in first_sentence(member.documentation) for member in members.values())

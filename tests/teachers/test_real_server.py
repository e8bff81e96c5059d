"""One round with a server that is no script of ours: `transformers serve` and a tiny Llava with random weights."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from PIL import Image

from relata import synth
from relata.ledger import Ledger
from relata.recipes import build
from relata.teachers import Reply

from .conftest import outcomes, request

ABSENT = [name for name in ("openai", "torch", "transformers", "fastapi", "uvicorn") if not find_spec(name)]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(ABSENT), reason=f"needs {', '.join(ABSENT)}: pip install 'transformers[serving]' openai"),
]

TEMPLATE = """{% for message in messages %}{{ message['role'] }}: \
{% if message['content'] is string %}{{ message['content'] }}{% else %}{% for part in message['content'] %}\
{% if part['type'] == 'image' %}<image>{% else %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}
{% endfor %}assistant:"""


def save_model(folder: Path) -> None:
    """A Llava of some ten thousand weights, with its processor."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
        PreTrainedTokenizerFast,
    )

    bytes_ = Tokenizer(models.BPE())
    bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    special = ["<pad>", "<end>", "<image>"]
    bytes_.train_from_iterator(
        ["a dog on a rug"], trainers.BpeTrainer(initial_alphabet=alphabet, special_tokens=special)
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytes_, pad_token="<pad>", eos_token="<end>")
    side = {"height": 28, "width": 28}
    images = CLIPImageProcessor(size=side, crop_size=side)
    processor = LlavaProcessor(
        images, tokenizer, patch_size=14, vision_feature_select_strategy="default", num_additional_image_tokens=1,
        chat_template=TEMPLATE, image_token="<image>",
    )  # fmt: skip
    narrow = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(0)
    config = LlavaConfig(
        vision_config=CLIPVisionConfig(**narrow, image_size=28, patch_size=14),
        text_config=LlamaConfig(
            **narrow, vocab_size=len(tokenizer), max_position_embeddings=1024, eos_token_id=1, pad_token_id=0
        ),
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
    )
    LlavaForConditionalGeneration(config).save_pretrained(folder)
    processor.save_pretrained(folder)


def started(url: str, process: subprocess.Popen[str], log: Path, within: float = 120) -> None:
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            urlopen(url, timeout=5)
            return
        except URLError:
            assert process.poll() is None, log.read_text()
            time.sleep(0.2)
    raise AssertionError(f"the server has not begun after {within} s: {log.read_text()}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """Address and model of the server."""
    folder = tmp_path_factory.mktemp("llava")
    save_model(folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(Path(sys.executable).with_name("transformers")), "serve", str(folder), "--port", str(port)]
    command += ["--host", "127.0.0.1", "--device", "cpu", "--dtype", "float32"]
    log = tmp_path_factory.mktemp("log") / "serve.log"
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    with log.open("w") as out, subprocess.Popen(command, stdout=out, stderr=out, text=True, env=environment) as process:
        try:
            started(f"http://127.0.0.1:{port}/health", process, log)
            yield f"http://127.0.0.1:{port}/v1", str(folder)
        finally:
            process.terminate()


def picture(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (28, 28), colour).save(file, "PNG")
    return file.getvalue()


def test_a_real_server_answers_with_and_without_pictures(endpoint: Any, server: tuple[str, str]) -> None:
    url, model = server
    teacher = endpoint(url, model=model, max_tokens=12, timeout=60.0, concurrency=4, price_out=1e6)
    shown = {"a.png": picture("red"), "b.png": picture("blue")}
    found = outcomes(teacher, [request(1), request(2, None, shown), request(3, None, shown)])
    for each in found:  # random weights may write to the limit, which is told, or write nothing but white space
        reply = each if isinstance(each, Reply) else getattr(each, "reply", None)
        assert reply is not None, each
        assert reply.tokens_in > 10
        assert 0 < reply.tokens_out <= 12
        assert reply.cost == reply.tokens_out


def test_a_run_against_a_real_server_files_what_it_paid_for(server: tuple[str, str], tmp_path: Path) -> None:
    url, model = server
    said = {"model": model, "url": url, "max_tokens": 8, "schema": "text", "price_in": 1.0, "timeout": 60}
    (tmp_path / "teacher.json").write_text(json.dumps(said))
    scenes = list(synth.scenes(2, out=tmp_path))
    teacher = f"endpoint:{tmp_path / 'teacher.json'}"
    report = build("completion", scenes, teacher, out=tmp_path / "run", images=tmp_path)
    assert report.read == report.kept + report.rejected + report.failed == 2
    with Ledger(tmp_path / "run" / "ledger.sqlite") as ledger:
        spent = ledger.spent()
    assert spent.calls + spent.failures >= 2
    assert spent.tokens_in > 100
    assert spent.cost == pytest.approx(spent.tokens_in / 1e6)

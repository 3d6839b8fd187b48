import pytest

from report.small_record import make
from rote.record import Record


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return make(tmp_path_factory.getbasetemp() / "small")  # resumes: only the first caller trains

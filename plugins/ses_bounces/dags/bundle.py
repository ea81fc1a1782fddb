"""The DAG files of the package as a bundle of Airflow's: no file is copied, and no path has to be known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.local import LocalDagBundle

_PACKAGE = Path(__file__).resolve().parents[1]


def folder() -> Path:
    """Return the folder of the DAG files: in a wheel ``ses_bounces/dag_files``, in a checkout ``dags``."""
    packaged = _PACKAGE / "dag_files"
    return packaged if packaged.is_dir() else _PACKAGE.parents[1] / "dags"


class SesBouncesBundle(LocalDagBundle):
    """For ``[dag_processor] dag_bundle_config_list``: the DAGs of every declared site, as they are."""

    def __init__(self, **kwargs: Any) -> None:
        """Take what Airflow gives every bundle: ``name``, ``refresh_interval``, ``version``."""
        super().__init__(path=str(folder()), **kwargs)

"""The Airflow DAG ``ses_suppression_sync`` of each site: ``ses_bounces/dags/suppression.py`` of the package."""

from ses_bounces.dags import build_dags

build_dags("ses_suppression_sync")

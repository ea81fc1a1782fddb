"""The Airflow DAG ``ses_bounces_doctor`` of each site: ``ses_bounces/dags/doctor.py`` of the package."""

from ses_bounces.dags import build_dags

build_dags("ses_bounces_doctor")

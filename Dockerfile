# The image of every service of ours: feeder, workers, ingest, migrations, flower.
#
#   docker build --tag broadsheet .                                             PyTorch with CUDA, several GB
#   docker build --tag broadsheet --build-arg TORCH_INDEX=ADDRESS .             CPU-only: the address of PyTorch's own
#                                                                               index of CPU wheels, see its "Get started"
# Torch and torchvision come from one and the same index then; a mixture breaks kraken's neural segmenter.

FROM python:3.11-slim AS requirements
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
    /opt/broadsheet/bin/pip install --constraint pins.txt ${TORCH_INDEX:+--extra-index-url "$TORCH_INDEX"} torch torchvision
COPY pyproject.toml README.md ./
# An empty project with our requirements: they are installed before our code is looked at.
RUN mkdir workers orchestrator models migrations samples \
    && touch workers/__init__.py orchestrator/__init__.py models/__init__.py migrations/__init__.py samples/__init__.py \
    && /opt/broadsheet/bin/pip install --constraint pins.txt '.[fleet]' \
    && /opt/broadsheet/bin/pip uninstall --yes broadsheet

FROM python:3.11-slim AS wheel
WORKDIR /src
COPY . .
RUN pip wheel --no-deps --wheel-dir /wheel .

FROM python:3.11-slim
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent broadsheet
COPY --from=requirements /opt/broadsheet /opt/broadsheet
# Our code in a layer of its own: a new version moves kilobytes, not gigabytes.
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

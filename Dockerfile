# syntax=docker/dockerfile:1
# One image for every process of Rapport. Build: docker build -t rapport .
ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim AS build
# CPU wheels: the default Linux build of torch carries some 2 GB of CUDA libraries.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/rapport
ENV PATH=/opt/rapport/bin:$PATH
WORKDIR /app
# The dependencies first: they change less often than the code, and the layer is kept.
COPY constraints.txt pyproject.toml ./
RUN --mount=type=cache,target=/root/.cache/pip \
    grep '^torch==' constraints.txt > torch.txt \
    && pip install --no-deps --index-url "${TORCH_INDEX}" --requirement torch.txt \
    && python -c "import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['dependencies'], sep='\n')" > requirements.txt \
    && pip install --constraint constraints.txt --requirement requirements.txt
COPY . .
RUN pip install --no-cache-dir --no-deps --editable .

FROM python:${PYTHON_VERSION}-slim
RUN useradd --system --uid 10001 --home-dir /data --no-create-home rapport \
    && install --directory --owner=rapport --mode=0700 /data
COPY --from=build /opt/rapport /opt/rapport
COPY --from=build /app /app
ENV PATH=/opt/rapport/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    RAPPORT_HOST=0.0.0.0 \
    RAPPORT_PORT=8000 \
    RAPPORT_DATA_DIR=/data \
    RAPPORT_DEMO=0 \
    RAPPORT_LOG_FORMAT=json
WORKDIR /app
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f\"http://127.0.0.1:{os.environ['RAPPORT_PORT']}/healthz\", timeout=4)"]
ENTRYPOINT ["rapport"]
CMD ["serve"]

# `tfb` in an image: docs/where-to-run.md. CPU by default; with CUDA: docker build --build-arg TORCH_BUILD=cuda .
# Images cannot be built on the machines of this project: `make places` lints this file, and `make image-steps` runs
# its steps, as they stand here, in overlays of the machine that it is on.
ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ARG TORCH_BUILD=cpu
# The index that has the build: what PyTorch's "Get Started" page gives after --index-url. Empty: pip's own.
ARG TORCH_INDEX=
ENV PATH=/opt/tfb/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY constraints.txt .ci/check_torch.py ./
RUN python3 -m venv /opt/tfb
# torch alone first: it changes seldom and is most of the image.
RUN python -m pip install --quiet ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} --constraint constraints.txt torch \
    && python check_torch.py "$TORCH_BUILD"
COPY . .
RUN python -m pip install --quiet --constraint constraints.txt .

FROM python:${PYTHON}-slim
COPY --from=build /opt/tfb /opt/tfb
ENV PATH=/opt/tfb/bin:$PATH TFB_DATA=/home/tfb/.cache/tfb
RUN useradd --create-home --uid 10001 tfb && mkdir /data && chown tfb /data
USER 10001
WORKDIR /data
RUN tfb --version && tfb zoo ls
ENTRYPOINT ["tfb"]
CMD ["--help"]

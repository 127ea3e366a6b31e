# The page as an image; docs/deploy.md says how to run it. Everything is inside, the models too:
# a container asks the network for nothing. It runs as any user, and with a read-only root.

# Dependabot renews tag and digest together (.github/dependabot.yml).
FROM python:3.13.15-slim-trixie@sha256:7c61056e61ac89e852de05f3dc6fa51a6dd2181797bceed46aa725dd7cb2cd3b AS base

FROM base AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
# The pins come first: a change of hilum alone does not fetch them again.
COPY constraints/app.txt constraints/
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --only-binary :all: \
        --require-hashes --requirement constraints/app.txt
COPY LICENSE NOTICE README.md pyproject.toml ./
COPY src src
# What only builds the package stays out of the image; "check" tells if anything misses it.
RUN python -m pip --python /venv/bin/python install --no-deps --no-build-isolation . \
    && python -m pip --python /venv/bin/python uninstall --yes \
        editables hatchling pathspec pluggy trove-classifiers \
    && python -m pip --python /venv/bin/python check \
    && /venv/bin/hilum models verify

FROM base
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="hilum" \
      org.opencontainers.image.description="Reads chest radiographs for pneumonia. Research software, not a medical device." \
      org.opencontainers.image.licenses="Apache-2.0 AND CC-BY-4.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
RUN groupadd --gid 10001 hilum \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /nonexistent \
        --shell /usr/sbin/nologin hilum
COPY --from=build /venv /venv
COPY deploy/healthcheck.py /healthcheck.py
# Nothing is written but to /tmp, and little there.
# No journal where nothing can be written; HILUM_JOURNAL=/data/journal.sqlite with a volume is one.
ENV PATH="/venv/bin:${PATH}" \
    HILUM_NO_JOURNAL=1 \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /
USER 10001:10001
EXPOSE 8501
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --start-interval=2s --retries=3 \
    CMD ["python", "/healthcheck.py"]
ENTRYPOINT ["hilum"]
CMD ["app", "--host", "0.0.0.0", "--port", "8501", "--no-browser"]

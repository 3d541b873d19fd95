# The web server by default; the task worker is the same image with another command (see compose.yaml).
FROM node:24-slim AS assets
WORKDIR /assets
COPY package.json package-lock.json .npmrc ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund

FROM python:3.13-slim

# pg_dump and pg_restore, of the version of compose.yaml's server, for backups.
RUN apt-get update && apt-get install --yes --no-install-recommends postgresql-client-17 && rm -rf /var/lib/apt/lists/*
RUN useradd --create-home --uid 10001 seismo && install -d -o seismo -g seismo /data /backups
WORKDIR /app

COPY requirements/base.txt requirements/
RUN pip install --no-cache-dir --disable-pip-version-check -r requirements/base.txt

COPY manage.py ./
COPY pyproject.toml ./
COPY seismo_site seismo_site
COPY caching caching
COPY marketdata marketdata
COPY scans scans
COPY --from=assets /assets/node_modules/lightweight-charts/dist/lightweight-charts.standalone.production.mjs var/assets/lightweight-charts.js
COPY --from=assets /assets/node_modules/lightweight-charts/LICENSE var/assets/lightweight-charts.LICENSE
RUN pybabel --quiet compile --domain django --directory seismo_site/locale

ARG REVISION=""
ENV SEISMO_REVISION=$REVISION SEISMO_DATA_DIR=/data PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 SEISMO_ACCESS_LOG=1
# One worker a core, one thread a worker; more threads where a narrative makes requests wait (docs/how-to/several-machines.md).
ENV GRANIAN_WORKERS=2 GRANIAN_BLOCKING_THREADS=1 GRANIAN_WORKERS_KILL_TIMEOUT=5
USER seismo
VOLUME /data /backups
EXPOSE 8000

# Static files go to the data directory, which is there only when it runs.
CMD ["sh", "-c", "python manage.py collectstatic --no-input --verbosity 0 && exec granian --interface wsgi --host 0.0.0.0 seismo_site.wsgi:application"]

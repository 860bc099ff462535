# An image that serves the model of examples/digits/train_parallel.py. It is run as `<image> serve`.
FROM python:3.12-slim
RUN pip install --no-cache-dir "numpy>=1.26,<3"
COPY --chmod=755 serve.py /usr/local/bin/serve

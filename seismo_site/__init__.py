import seismo_site.blas_threads  # noqa: F401

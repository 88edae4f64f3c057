message(FATAL_ERROR "PTYCHOSCALE_PYTHON is not set, so the command line cannot be tested: run ci/test, or configure with "
                    "-D PTYCHOSCALE_PYTHON=$(ci/python-env)")

"""Closed sets of names that rules ask for although no system of the vocabulary owns them.

A call is kept when the vocabulary gives it a meaning, when it may be the project's own, or when these sets name it.
"""

from __future__ import annotations

import builtins


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


METHODS = _words(
    # tables
    """
    merge join concat groupby rolling shift expanding resample ewm lag lead head tail sample drop_duplicates
    duplicated fillna dropna interpolate apply transform assign astype rename pivot pivot_table melt get_dummies
    cut qcut query eval sort sort_values sort_index reset_index set_index iloc loc limit take filter select
    withColumn union toPandas collect describe value_counts nunique corr isna isnull notna agg aggregate
    train_test_split set_format
    """
    # learning
    """
    fit fit_transform partial_fit fit_predict fit_resample predict predict_proba predict_log_proba decision_function
    score evaluate train train_step train_on_batch train_model learn optimize step backward zero_grad compile
    cross_val_score split get_n_splits manual_seed seed set_seed seed_everything random_split shuffle choice permutation
    transform inverse_transform explain forecast generate invoke ainvoke stream chat complete completion embed
    embed_query embed_documents encode similarity_search retrieve
    """
    # reading and writing
    """
    load save dump dumps loads open read read_text read_bytes readlines write write_text write_bytes writelines
    to_csv to_parquet to_pickle to_json to_excel to_sql to_feather to_hdf to_disk save_model load_model save_pretrained
    from_pretrained push_to_hub load_state_dict state_dict save_weights load_weights savefig export log_model download
    upload upload_file download_file put_object get_object glob rglob iterdir listdir walk mkdir unlink rename
    save_checkpoint load_checkpoint
    """
    # starting jobs of a platform
    """
    start_pipeline_execution start_execution create_training_job create_pipeline_job trigger_dag start_build submit_job
    """
    # talking to others
    """
    get post put patch delete request send publish produce consume subscribe execute executemany cursor connect commit
    run run_command system popen check_output check_call call spawn exec communicate serve deploy start schedule
    register log_metric log_metrics log_param log_params log_artifact log_dict log info warning error exception debug
    critical add_argument parse_args parse_known_args add_scalar observe inc timer
    """
    # devices
    """
    cuda to is_available device_count synchronize
    """
)

BUILTINS = _words("open exec eval compile input sorted __import__ exit quit globals breakpoint hash display")

STANDARD = _words(
    """
    argparse asyncio atexit base64 concurrent configparser copy csv ctypes datetime email faulthandler fcntl ftplib gc
    getpass glob gzip hashlib hmac http imaplib importlib inspect io itertools json locale logging marshal
    multiprocessing optparse os pathlib pdb pickle pkgutil platform pty random runpy secrets select shelve shlex shutil
    signal site smtplib socket socketserver sqlite3 ssl statistics subprocess sys sysconfig tarfile tempfile threading
    time tomllib trace traceback unittest urllib uuid venv warnings wave webbrowser wsgiref xml xmlrpc zipfile
    """
)
"""Modules of the standard library whose calls are kept."""

STANDARD_LEFT_OUT = _words(
    """
    os.path.basename os.path.dirname os.path.splitext os.path.abspath os.path.normpath os.path.realpath
    os.path.relpath os.path.split os.fspath copy.copy inspect.signature inspect.isclass itertools.chain itertools.product
    itertools.islice itertools.repeat itertools.count json.JSONEncoder time.time time.perf_counter
    datetime.timedelta io.StringIO sys.exc_info warnings.simplefilter
    """
)

ARRAY_MATHS = _words(
    """
    numpy torch tensorflow jax keras flax scipy cupy mxnet paddle mindspore einops matplotlib seaborn plotly bokeh
    altair IPython ipywidgets triton numba sympy networkx PIL cv2 tqdm typing_extensions six packaging yaml pytest
    """
)
"""Import roots of which only calls with a meaning, or named in FRAMEWORK_CALLS or METHODS, are kept."""

FRAMEWORK_CALLS = _words(
    """
    device is_available use_deterministic_algorithms set_deterministic_debug_mode deterministic enable_op_determinism
    set_memory_growth get_device set_device no_grad inference_mode compile jit script trace safe_load full_load
    set_default_device DataLoader raises warns fixture mark skip importorskip approx main mock_open patch autocast
    unsafe_load load_all safe_load_all parse safe_dump allclose assert_allclose assert_array_equal isclose
    """
)

BUILTIN_NAMES = frozenset(dir(builtins))

WELL_KNOWN = BUILTIN_NAMES | _words("dbutils spark sc sqlContext mo display")
"""Names that mean something although nothing in the file binds them: built in, or given by the platform."""

BUILTIN_TYPES = _words("str bytes int float bool complex list tuple dict set frozenset range object type")

SELF_RETURNING = _words(
    "fit to cuda cpu eval train half float double compile set_params requires_grad_ copy partial_fit "
    "set_output options config master appName format mode option"
)
"""Methods that give back an object of the same class, where the vocabulary doesn't say."""

DATAFRAMES = (
    "pandas.DataFrame",
    "polars.DataFrame",
    "dask.dataframe.DataFrame",
    "cudf.DataFrame",
    "modin.pandas.DataFrame",
)
TABULAR_ROOTS = _words("pandas polars pyspark dask cudf modin datasets vaex ibis geopandas koalas")

HANDLER_NAMES = _words("predict __call__ handle inference infer invoke preprocess postprocess apply run transform main")
"""Functions whose parameters' types are asked for: what a served model takes."""

HELP_ARGUMENTS = _words("help description epilog doc docs summary title label usage")
SHELL_CALLS = _words(
    "os.system os.popen subprocess.run subprocess.call subprocess.Popen subprocess.check_output subprocess.check_call "
    "subprocess.getoutput subprocess.getstatusoutput asyncio.create_subprocess_shell"
)
ENVIRONMENT_CALLS = _words("os.getenv os.environ.get os.environ.setdefault os.environ.pop decouple.config")
LOGGING_CALLS = _words(
    "debug info warning warn error exception critical log print_exc print_exception capture_exception format_exc"
)
ASSERTING_CALLS = _words("pytest.raises pytest.warns pytest.fail pytest.deprecated_call")
WARNING_FILTERS = _words(
    "warnings.simplefilter warnings.filterwarnings warnings.catch_warnings numpy.errstate numpy.seterr"
)
"""Calls that make an error of what else only warns."""
AVAILABILITY_WORDS = ("available", "find_spec", "installed", "has_module", "importable")

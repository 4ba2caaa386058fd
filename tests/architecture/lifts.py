"""Limits lifted for one place each, with the reason. An entry that is no longer needed fails the check as well."""

# `path: function` → why it has to catch everything.
MAY_CATCH_EVERYTHING: dict[str, str] = {
    "service/assessing/live.py: keep_loading": "the worker outlives an image model whose runtime cannot load it",
    "service/reading/reader.py: read": "the reader of text raises what its libraries do, and one picture harms no other",
    "service/scoring/live_model.py: keep_loading": "API and worker outlive a model whose runtime cannot load it",
    "service/scoring/live_model.py: try_each": "a new, staged or shadow model that fails on a text harms no other text",
    "service/scoring/workflow.py: run": "the scoring loop outlives whatever a model or a database does to it",
    "service/worker.py: housekeeping": "a database blip must not end the worker",
    "service/worker.py: do_each": "a chore that fails must not keep the others from being done",
}

# path → why it may be longer than a file may be.
LONG_FILES: dict[str, str] = {}

# `path: function` → why it may be longer than a function may be.
LONG_FUNCTIONS: dict[str, str] = {}

# `path: function` → why it takes more parameters than a public function may.
WIDE_FUNCTIONS: dict[str, str] = {}

# path → why it imports first-party code inside a function.
LATE_IMPORTS: dict[str, str] = {}

# path → why it holds SQL although it is no store.
SQL_OUTSIDE_STORES = {
    "service/events.py": "the log that every domain appends to is part of the foundation",
    "service/health.py": "one statement that asks whether the database answers",
    "service/migrations/env.py": "limits and the lock of a migration",
    "service/samples/load.py": "removes samples across all domains, which no store may do",
    "service/security.py": "finds the caller of every request and is part of the foundation",
    "service/sessions.py": "finds the caller of every request that carries a session, for the module above",
}

# module → why it cannot be imported without doing work.
WORKS_ON_IMPORT = {"service.migrations.env": "alembic runs this file as the script of a migration"}

# Start of a name → why importing other people's code leaves a file or folder of that name in the temporary folder.
LEFT_BY_OTHERS = {"torchinductor_": "torch makes its compiler's cache folder when transformers imports attention"}

"""A PostgreSQL server of a test's own: started, stopped and started again on the same data."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile

from conftest import wait_until

PROGRAMS = "/usr/lib/postgresql/15/bin/"


class Postgres:
    """Listens on a socket in a directory of its own. Ends with the test, however that ends."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="podium-pg-")
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.directory, user.pw_uid, user.pw_gid)
        self.process = None
        made = subprocess.run(
            self._as_user("initdb", "-D", f"{self.directory}/data", "-A", "trust", "-U", "podium",
                          "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
            capture_output=True, text=True, check=False)
        assert made.returncode == 0, made.stderr
        self.start()
        self.sql("postgres", "CREATE DATABASE podium")

    def _as_user(self, program, *arguments):
        """The server refuses root, and ends with whoever started it."""
        prefix = ["setpriv", "--pdeathsig", "INT"]
        if os.geteuid() == 0:
            prefix += ["--reuid", "postgres", "--regid", "postgres", "--clear-groups"]
        return [*prefix, PROGRAMS + program, *arguments]

    @property
    def url(self):
        return f"postgresql:///podium?host={self.directory}&user=podium"

    def sql(self, database, statement):
        """As somebody with psql: what it prints, unaligned."""
        done = subprocess.run(
            [PROGRAMS + "psql", "-X", "-At", "-v", "ON_ERROR_STOP=1", "-h", self.directory, "-U",
             "podium", "-d", database, "-c", statement], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def _answers(self):
        asked = subprocess.run([PROGRAMS + "pg_isready", "-q", "-h", self.directory], check=False)
        return asked.returncode == 0

    def start(self):
        with open(f"{self.directory}/server.log", "ab") as log:
            self.process = subprocess.Popen(
                self._as_user("postgres", "-D", f"{self.directory}/data", "-c", "listen_addresses=",
                              "-c", f"unix_socket_directories={self.directory}", "-c", "fsync=off"),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(self._answers, 120, "PostgreSQL")

    def stop(self, sig=signal.SIGQUIT):
        """At once, as when its machine goes: connections break."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
        self.process.wait(60)

    def remove(self):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

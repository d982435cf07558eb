# SPDX-License-Identifier: Apache-2.0
"""File systems whose every write is logged, and the mounting of images.

A disk is an image file behind QEMU's storage daemon, whose driver blklogwrites logs each write and
each flush; a FUSE export of it lies below a loop device, and the file system on that. Everything is
mounted in a mount namespace of this process alone, so nothing is left of it when the process ends.
"""

import ctypes
import os
import shutil
import subprocess
import sys
import time
import uuid

from block_log import FLUSH, count_entries, read_entries

PROGRAMS = ("qemu-storage-daemon", "losetup", "mount", "unshare", "setpriv", "mkfs.ext4")
PROGRAMS += ("mkfs.xfs",)
BOOT_ID = "/proc/sys/kernel/random/boot_id"
# The log of xfs alone has 64 MB.
SIZES = {"ext4": 96 << 20, "xfs": 320 << 20}
MAKERS = {
    "ext4": ["mkfs.ext4", "-q", "-F", "-b", "4096", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
    "xfs": ["mkfs.xfs", "-q", "-f"],
}
SYNC_FILE_RANGE_WRITE = 2
LIBC = ctypes.CDLL(None, use_errno=True)


class RigError(Exception):
    """Nothing about the plugin: a disk or a file system is not as the test needs it."""


def call(*words):
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True)
    if done.returncode != 0:
        raise RigError(f"{' '.join(map(str, words))}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def what_machine_lacks():
    """Why no disk can be made here, whatever is installed; or an empty text."""
    if os.geteuid() != 0:
        return "it mounts file systems and needs root"
    for device in ("/dev/fuse", "/dev/loop-control"):
        if not os.access(device, os.R_OK | os.W_OK):
            return f"this machine has no {device}"
    if subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode != 0:
        return "nothing may be mounted here"
    return ""


def missing_programs():
    """Programs that tools/setup.sh brings for long runs."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    os.environ["PATH"] = path
    return [name for name in PROGRAMS if shutil.which(name) is None]


def enter_own_namespace():
    """Starts this program again where its mounts are nobody else's."""
    if os.environ.get("AIMLOG_OWN_MOUNTS") != str(os.getpid()):
        os.environ["AIMLOG_OWN_MOUNTS"] = str(os.getpid())
        words = ["unshare", "--mount", "--propagation", "private", sys.executable, *sys.argv]
        os.execvp(words[0], words)


class Boots:
    """The id of this boot of the machine, as everybody here sees it."""

    def __init__(self, root):
        self.path = os.path.join(root, "boot_id")
        self.next()
        call("mount", "--bind", self.path, BOOT_ID)

    def next(self):
        fd = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)
        os.pwrite(fd, f"{uuid.uuid4()}\n".encode(), 0)
        os.close(fd)

    @staticmethod
    def end():
        call("umount", BOOT_ID)


class LoggedDisk:
    """A mounted file system of which `log` gets every write. `base` is the disk as it was before
    the first of these: a copy of `image`, or with nothing on it."""

    def __init__(self, root, kind, image=None, forgets_flushes=False):
        self.root, self.kind = root, kind
        self.base, self.raw, self.log, self.export = (
            os.path.join(root, name) for name in ("base.img", "raw.img", "log.img", "export")
        )
        self.place = os.path.join(root, "disk")
        os.mkdir(self.place)
        if image is None:
            with open(self.raw, "wb") as file:
                file.truncate(SIZES[kind])
            call(*MAKERS[kind], self.raw)
        else:
            call("cp", "--sparse=always", image, self.raw)
        call("fallocate", "--dig-holes", self.raw)
        call("cp", "--sparse=always", self.raw, self.base)
        with open(self.log, "wb") as file:
            file.truncate(4 << 30)  # a hole
        with open(self.export, "wb"):
            pass
        self.daemon = None
        try:
            self.start(forgets_flushes)
        except BaseException:
            self.end()
            raise

    def start(self, forgets_flushes):
        nodes = "driver=blklogwrites,node-name=disk,file=raw,log=log,log-super-update-interval=1"
        nodes += ",cache.no-flush=on" if forgets_flushes else ""
        words = ["setpriv", "--pdeathsig", "KILL", "qemu-storage-daemon"]
        for name, path in (("raw", self.raw), ("log", self.log)):
            words += ["--blockdev", f"driver=file,node-name={name}-file,filename={path}"]
            words += ["--blockdev", f"driver=raw,node-name={name},file={name}-file"]
        words += ["--blockdev", nodes, "--export"]
        words += [f"type=fuse,id=export,node-name=disk,mountpoint={self.export},writable=on"]
        self.daemon = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 20
        while not os.path.ismount(self.export):
            if self.daemon.poll() is not None or time.monotonic() > deadline:
                self.daemon.kill()
                raise RigError(f"nothing is exported: {self.daemon.stderr.read()}")
            time.sleep(0.005)
        # Without direct I/O the kernel sends one write after the other: the daemon of QEMU 7.2
        # mixes up the bytes of two that it has at the same time.
        device = call("losetup", "--find", "--show", self.export)
        try:
            call("mount", "-t", self.kind, device, self.place)
        finally:
            call("losetup", "--detach", device)  # as soon as it is not mounted any more

    def entries(self):
        return count_entries(self.log)

    def expect_flushes(self):
        """A file that is synced must leave a flush in the log, behind its bytes."""
        before = self.entries()
        mark = os.urandom(64) * 64
        path = os.path.join(self.place, "mark")
        with open(path, "wb", buffering=0) as file:
            file.write(mark)
            os.fsync(file.fileno())
        entries = read_entries(self.log)[before:]
        written = None
        with open(self.log, "rb") as log:
            for i, entry in enumerate(entries):
                log.seek(entry.position)
                if mark in log.read(entry.sectors * 512):
                    written = i
        if written is None:
            raise RigError("a file was synced, and its bytes are not in the log")
        if not any(entry.flags & FLUSH for entry in entries[written:]):
            raise RigError("a file was synced, and no flush is in the log")
        os.unlink(path)

    def start_writeback(self, path):
        """Without a flush, as the kernel does it when it wants to."""
        try:
            fd = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return
        LIBC.sync_file_range(fd, ctypes.c_int64(0), ctypes.c_int64(0), SYNC_FILE_RANGE_WRITE)
        os.close(fd)

    def sync_all(self):
        fd = os.open(self.place, os.O_RDONLY)
        LIBC.syncfs(fd)
        os.close(fd)

    def end(self):
        if os.path.ismount(self.place):
            call("umount", self.place)
        if self.daemon is not None:
            self.daemon.terminate()
            self.daemon.communicate()
        if os.path.exists(self.raw):
            os.unlink(self.raw)


class MountedImage:
    def __init__(self, image, place):
        self.image, self.place = image, place

    def __enter__(self):
        os.makedirs(self.place, exist_ok=True)
        call("mount", "-o", "loop", self.image, self.place)
        return self.place

    def __exit__(self, *_):
        call("umount", self.place)

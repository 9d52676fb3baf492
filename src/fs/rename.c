/* SPDX-License-Identifier: MIT */
/* Copyright (c) 2026 The vramfs authors */
/*
 * Renaming. Up to four inodes change: both directories, what is renamed, and what the new name
 * stood for. They are looked up first, then locked in the order of their numbers, then looked up
 * again; when the names mean something else by then, all begins anew.
 *
 * A directory that gets another parent must not end up below itself. Such moves take
 * fs->rename_lock, so that the tree above any directory stands still while one of them looks
 * through it; a move within one directory, or of a file, can't make a loop and does not take it.
 */
#include "fs/directory.h"
#include "fs/inode.h"

struct renaming {
	struct fs *fs;
	unsigned flags;
	struct inode *old_parent, *new_parent;
	struct fs_name old_name, new_name;
	/* What the names stood for when they were looked up: held. TARGET may be NULL. */
	struct inode *child, *target;
	/* What stays at the old name, if asked for: new, until it has that name */
	struct inode *whiteout;
};

/* What NAME stands for, held, or NULL. */
static struct inode *look_up(struct inode *directory, struct fs_name name)
{
	pthread_mutex_lock(&directory->lock);
	struct directory_entry *entry = directory_find(directory->directory, name);
	struct inode *inode = entry ? entry->inode : NULL;
	if (inode)
		inode_hold(inode);
	pthread_mutex_unlock(&directory->lock);
	return inode;
}

static bool is_directory(const struct inode *inode)
{
	return inode && S_ISDIR(inode->type);
}

static bool exchanges(const struct renaming *renaming)
{
	return renaming->flags & FS_RENAME_EXCHANGE;
}

/* Is DIRECTORY inside of ANCESTOR, or the same? called with fs->rename_lock held */
static bool is_below(struct fs *fs, const struct inode *directory, const struct inode *ancestor)
{
	uint64_t number = directory->number;
	while (number != ancestor->number && number != FS_ROOT) {
		struct inode *step = inode_get(fs, number);
		if (!step)
			return false; /* removed, so nothing will be put into what it held */
		number = atomic_load(&step->directory->parent);
		inode_put(fs, step, 1);
	}
	return number == ancestor->number;
}

/* called with fs->rename_lock held */
static bool makes_loop(const struct renaming *renaming)
{
	struct fs *fs = renaming->fs;
	if (is_directory(renaming->child) && is_below(fs, renaming->new_parent, renaming->child))
		return true;
	return exchanges(renaming) && is_directory(renaming->target) &&
	       is_below(fs, renaming->old_parent, renaming->target);
}

/* May TARGET, which is there, be replaced by CHILD? called with all locks held */
static err_t check_replace(const struct renaming *renaming)
{
	const struct inode *child = renaming->child, *target = renaming->target;
	if (is_directory(child) && !is_directory(target))
		return -ENOTDIR;
	if (!is_directory(child) && is_directory(target))
		return -EISDIR;
	if (is_directory(target) && target->directory->entry_count > 0)
		return -ENOTEMPTY;
	return 0;
}

/* Do flags allow it? called with all locks held */
static err_t check_flags(const struct renaming *renaming)
{
	if (inode_protected(renaming->old_parent) || inode_protected(renaming->child))
		return -EPERM;
	if (!renaming->target)
		return inode_immutable(renaming->new_parent) ? -EPERM : 0;
	return inode_protected(renaming->new_parent) || inode_protected(renaming->target) ? -EPERM
											  : 0;
}

/* INODE's entry is now one of PARENT's. Directories count in their parent's links. */
static void set_parent(struct inode *inode, struct inode *from, struct inode *to)
{
	if (!is_directory(inode) || from == to)
		return;
	from->nlink--;
	to->nlink++;
	atomic_store(&inode->directory->parent, to->number);
}

static void exchange(
	struct renaming *renaming, struct directory_entry *old, struct directory_entry *new)
{
	old->inode = renaming->target;
	new->inode = renaming->child;
	set_parent(renaming->child, renaming->old_parent, renaming->new_parent);
	set_parent(renaming->target, renaming->new_parent, renaming->old_parent);
	inode_changed(renaming->target);
}

/* The old name stays, and is the whiteout's from now on: its one hold becomes the name's. */
static void leave_whiteout(struct renaming *renaming, struct directory_entry *old)
{
	struct inode *whiteout = renaming->whiteout;
	renaming->whiteout = NULL;
	old->inode = whiteout;
	whiteout->nlink = 1;
	inode_publish(renaming->fs, whiteout);
}

/* The new name's entry, if there is one, changes hands in its place, so nothing can fail.
 * *RET_DROPPED_NAME tells whether the target lost a name, and the caller must let go of its hold.
 */
static err_t move(struct renaming *renaming, struct directory_entry *old,
	struct directory_entry *new, bool *ret_dropped_name)
{
	struct inode *target = renaming->target;
	struct directory *directory = renaming->new_parent->directory;
	if (!new && renaming->old_parent == renaming->new_parent && !renaming->whiteout) {
		*ret_dropped_name = false;
		return directory_rename(directory, old, renaming->new_name);
	}
	if (new) {
		new->inode = renaming->child;
		if (is_directory(target)) {
			target->nlink = 0;
			renaming->new_parent->nlink--;
		} else {
			target->nlink--;
		}
		inode_lost_name(renaming->fs, target);
		inode_changed(target);
	} else {
		int err = directory_add(directory, renaming->new_name, renaming->child);
		if (err)
			return err;
	}
	*ret_dropped_name = new != NULL;
	if (renaming->whiteout)
		leave_whiteout(renaming, old);
	else
		directory_remove(renaming->old_parent->directory, old);
	set_parent(renaming->child, renaming->old_parent, renaming->new_parent);
	return 0;
}

/* called with the locks of all four held */
static err_t rename_locked(struct renaming *renaming, bool *ret_dropped_name)
{
	struct directory_entry *old =
		directory_find(renaming->old_parent->directory, renaming->old_name);
	struct directory_entry *new =
		directory_find(renaming->new_parent->directory, renaming->new_name);
	if ((old ? old->inode : NULL) != renaming->child ||
		(new ? new->inode : NULL) != renaming->target)
		return -ESTALE; /* the names mean something else by now */
	if (renaming->new_parent->nlink == 0)
		return -ENOENT;
	if (new && (renaming->flags & FS_RENAME_NOREPLACE))
		return -EEXIST;
	if (!new &&exchanges(renaming))
		return -ENOENT;
	if (renaming->child == renaming->target)
		return 0; /* two names of one inode: rename(2) does nothing */
	int err = check_flags(renaming);
	if (!err && new && !exchanges(renaming))
		err = check_replace(renaming);
	if (!err && renaming->whiteout)
		err = inode_inherit(renaming->old_parent, renaming->whiteout, 0);
	if (err)
		return err;
	if (exchanges(renaming))
		exchange(renaming, old, new);
	else
		err = move(renaming, old, new, ret_dropped_name);
	if (err)
		return err;
	inode_changed(renaming->child);
	inode_modified(renaming->old_parent);
	inode_modified(renaming->new_parent);
	return 0;
}

/* One attempt; -ESTALE when a name changed between look and lock. */
static err_t attempt(struct renaming *renaming)
{
	struct fs *fs = renaming->fs;
	renaming->child = look_up(renaming->old_parent, renaming->old_name);
	if (!renaming->child)
		return -ENOENT;
	renaming->target = look_up(renaming->new_parent, renaming->new_name);

	bool moves_directory = renaming->old_parent != renaming->new_parent &&
			       (is_directory(renaming->child) ||
				       (exchanges(renaming) && is_directory(renaming->target)));
	bool dropped_name = false;
	int err = 0;
	if (moves_directory) {
		pthread_mutex_lock(&fs->rename_lock);
		if (makes_loop(renaming))
			err = -EINVAL;
	}
	if (!err) {
		struct inode *all[] = {renaming->old_parent, renaming->new_parent, renaming->child,
			renaming->target};
		inode_lock_all(all, 4);
		err = rename_locked(renaming, &dropped_name);
		inode_unlock_all(all, 4);
	}
	if (moves_directory)
		pthread_mutex_unlock(&fs->rename_lock);
	inode_put(fs, renaming->child, 1);
	if (renaming->target)
		inode_put(fs, renaming->target, dropped_name ? 2 : 1);
	return err;
}

int fs_rename(struct fs *fs, uint64_t parent, struct fs_name name, uint64_t new_parent,
	struct fs_name new_name, unsigned flags, const struct fs_owner *owner)
{
	if ((flags & ~(FS_RENAME_NOREPLACE | FS_RENAME_EXCHANGE | FS_RENAME_WHITEOUT)) ||
		((flags & FS_RENAME_EXCHANGE) && flags != FS_RENAME_EXCHANGE))
		return -EINVAL;
	int err = name_check(name);
	if (!err)
		err = name_check(new_name);
	if (err)
		return err;
	struct renaming renaming = {
		.fs = fs, .flags = flags, .old_name = name, .new_name = new_name};
	err = inode_get_typed(fs, parent, S_IFDIR, -ENOTDIR, &renaming.old_parent);
	if (err)
		return err;
	err = inode_get_typed(fs, new_parent, S_IFDIR, -ENOTDIR, &renaming.new_parent);
	if (err) {
		inode_put(fs, renaming.old_parent, 1);
		return err;
	}
	if (flags & FS_RENAME_WHITEOUT)
		err = inode_new(fs, S_IFCHR, owner, &renaming.whiteout);
	if (!err) {
		do {
			err = attempt(&renaming);
		} while (err == -ESTALE);
	}
	if (renaming.whiteout) /* not needed after all */
		inode_destroy(fs, renaming.whiteout);
	inode_put(fs, renaming.old_parent, 1);
	inode_put(fs, renaming.new_parent, 1);
	return err;
}

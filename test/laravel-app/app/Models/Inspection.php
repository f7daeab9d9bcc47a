<?php

namespace App\Models;

use Illuminate\Database\Eloquent\Model;

/**
 * @property int $id
 * @property string $status
 * @property string|null $completed_by
 * @property \Illuminate\Support\Carbon|null $completed_at
 * @property \Illuminate\Support\Carbon|null $scheduled_for
 */
class Inspection extends Model
{
    public $timestamps = false;

    protected $fillable = ['id', 'status', 'completed_by', 'completed_at', 'scheduled_for'];

    /**
     * @return array<string, string>
     */
    protected function casts(): array
    {
        return ['completed_at' => 'datetime', 'scheduled_for' => 'datetime'];
    }
}
